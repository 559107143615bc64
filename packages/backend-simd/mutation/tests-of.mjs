// Which test files concern a file of assembly/, the quickest to find a fault first. What is not named meets all tests.
const noise = ['diff-noise', 'diff-combine'];
const mixture = ['diff-softmax-mean', 'diff-growth'];
const products = ['mat-mul', 'mat-mul-layout', 'fused-mat-mul', 'conv2d'];

const TESTS = {
  'add-into': ['reduce'],
  binary: ['binary', 'unary'],
  'box-muller': noise,
  cast: ['layout', 'cast'],
  combine: ['diff-combine', 'diff-growth'],
  cumsum: ['along-axis'],
  'exp-bounded': ['along-axis', 'accuracy', 'diff-pairwise', 'diff-softmax-mean'],
  fill: ['layout', 'backend'],
  fma: ['unary', 'mat-mul', 'diff-pairwise'],
  gather: ['layout'],
  im2col: ['conv2d'],
  'log-positive': ['diff-noise', 'accuracy', 'diff-softmax-mean'],
  'mixture-exponents': mixture,
  'mixture-narrow': mixture,
  'mixture-row': mixture,
  'mixture-weights': mixture,
  nearest: ['diff-pairwise'],
  noise,
  pairwise: ['diff-pairwise'],
  panel: ['diff-pairwise', ...mixture],
  'reduce-float': ['reduce', 'reduce-order'],
  'reduce-index': ['along-axis', 'reduce-order'],
  'reduce-int': ['reduce'],
  resize: ['resize'],
  select: ['layout'],
  'sgemm-direct': products,
  'sgemm-narrow': products,
  'sgemm-pack': products,
  'sgemm-tile': products,
  sgemm: products,
  'softmax-mean': mixture,
  softmax: ['along-axis'],
  'squared-distances': ['diff-pairwise', 'diff-softmax-mean'],
  'strided-copy': ['layout'],
  taps: ['pool', 'depthwise-conv2d'],
  threefry: noise,
  'unary-constant': ['unary'],
  'unary-exp': ['unary'],
  'unary-log': ['unary'],
  'unary-rational': ['unary'],
  'unary-trigonometric': ['unary'],
  unary: ['unary', 'binary'],
  'weighted-rows': mixture,
  window: ['conv2d'],
};

/** @param file name of the file in assembly/; @param existing names of all test files, without ending */
export function testsOf(file, existing) {
  const named = TESTS[file.replace(/\.ts$/, '')];
  return named ? named.filter((test) => existing.includes(test)) : existing;
}
