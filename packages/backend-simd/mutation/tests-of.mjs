// Which test files concern a file of assembly/, the quickest to find a fault first. What is not named meets all tests.
const noise = ['diff-noise', 'diff-combine'];
const mixture = ['kernel-edges', 'diff-softmax-mean', 'diff-growth'];
const products = ['mat-mul', 'fused-mat-mul', 'conv2d'];

const TESTS = {
  adam: ['diff-adam'],
  'add-into': ['reduce'],
  binary: ['binary', 'unary'],
  'box-muller': noise,
  cast: ['layout'],
  combine: ['diff-combine', 'kernel-edges', 'diff-growth'],
  convolve: ['conv2d'],
  cumsum: ['along-axis'],
  'exp-bounded': ['along-axis', 'kernel-edges', 'diff-pairwise', 'diff-softmax-mean'],
  fill: ['layout', 'backend'],
  fma: ['unary', 'mat-mul', 'diff-pairwise'],
  gather: ['layout', 'kernel-edges'],
  im2col: ['kernel-edges', 'conv2d'],
  'log-positive': ['diff-noise', 'kernel-edges', 'diff-softmax-mean'],
  'mixture-exponents': mixture,
  'mixture-narrow': mixture,
  'mixture-row': mixture,
  'mixture-weights': mixture,
  nearest: ['diff-pairwise'],
  noise,
  pairwise: ['diff-pairwise'],
  panel: ['diff-pairwise', ...mixture],
  'reduce-float': ['reduce'],
  'reduce-index': ['along-axis'],
  'reduce-int': ['reduce'],
  resize: ['resize'],
  select: ['layout', 'kernel-edges'],
  'sgemm-direct': products,
  'sgemm-narrow': products,
  'sgemm-pack': products,
  'sgemm-tile': products,
  sgemm: products,
  silu: ['diff-silu'],
  'softmax-mean': mixture,
  softmax: ['along-axis'],
  'squared-distances': ['kernel-edges', 'diff-pairwise', 'diff-softmax-mean'],
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
