// Measures the elementwise functions of both builds against float64 at every 257th of the 2³² float32 numbers (a prime
// stride: all exponents, both signs, subnormals, infinities and NaNs), writes docs/accuracy.md.
//
//   npm run accuracy -- [--stride 257] [--check]
//
// Ends with code 1 if a function is farther off than its kernel states, or NaN at another place. --check writes nothing.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generate } from './generate.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({
  options: { stride: { type: 'string', default: '257' }, check: { type: 'boolean', default: false } },
});
const stride = Number(options.stride);

/** Series, and the continued fraction of erfc. */
function erf(x) {
  const a = Math.abs(x);
  if (a < 1e-8) return (2 / Math.sqrt(Math.PI)) * x;
  if (!(a <= 6)) return a > 6 ? Math.sign(x) : Number.NaN;
  if (a < 2.5) {
    let [term, sum] = [x, x];
    for (let n = 1; Math.abs(term) > 1e-18 * a; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (sum * 2) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let k = 80; k > 0; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

const roundToEven = (x) => {
  const r = Math.round(x);
  return r - x === 0.5 && r % 2 !== 0 ? r - 1 : r;
};
const sigmoid = (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
const selu = (x) => 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * Math.expm1(x) : x);
/** Beside the ulps: what the reduction of the argument may add next to a zero or a pole. */
const periodic = (x) => (Math.abs(x) <= 8192 ? 4e-15 * Math.abs(x) : 0);
const tangent = (x, y) => (Math.abs(x) <= 8192 ? 8e-15 * Math.abs(x) * (1 + y * y) : 0);

/** [function, in float64, stated bound in ulp, what more is allowed, where it is so] */
const FUNCTIONS = [
  ['exp', Math.exp, 1.1],
  ['expm1', Math.expm1, 2],
  ['log', Math.log, 1],
  ['log1p', Math.log1p, 2],
  ['softplus', (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), 3],
  ['tanh', Math.tanh, 6],
  ['erf', erf, 8],
  ['sigmoid', sigmoid, 3],
  ['silu', (x) => (x < -87.3 && x > -Infinity ? -0 : x * sigmoid(x)), 4, undefined, 'below −87.3 it is −0'],
  ['elu', (x) => (x < 0 ? Math.expm1(x) : x), 2],
  ['sin', Math.sin, 2, periodic, '+ 4e-15 abs(x) up to 8192'],
  ['cos', Math.cos, 2, periodic, '+ 4e-15 abs(x) up to 8192'],
  ['sqrt', Math.sqrt, 0.5],
  ['rsqrt', (x) => 1 / Math.sqrt(x), 2],
  ['square', (x) => x * x, 0.5],
  ['reciprocal', (x) => 1 / x, 0.5],
  ['neg', (x) => -x, 0.5],
  ['abs', Math.abs, 0.5],
  ['sign', (x) => (x > 0 ? 1 : x < 0 ? -1 : 0), 0.5, undefined, 'NaN gives 0, as in tfjs'],
  ['floor', Math.floor, 0.5],
  ['ceil', Math.ceil, 0.5],
  ['round', roundToEven, 0.5],
  ['relu', (x) => Math.max(x, 0), 0.5],
  ['relu6', (x) => Math.min(Math.max(x, 0), 6), 0.5],
];
/** Functions of assembly/unary-rare.ts, in its order. */
const RARE = [
  ['tan', Math.tan, 5, tangent, '+ 8e-15 abs(x) (1 + tan²) up to 8192'],
  ['asin', Math.asin, 4],
  ['acos', Math.acos, 4],
  ['atan', Math.atan, 4],
  ['sinh', Math.sinh, 4],
  ['cosh', Math.cosh, 4],
  ['asinh', Math.asinh, 4],
  ['acosh', Math.acosh, 4],
  ['atanh', Math.atanh, 4],
  ['selu', selu, 3],
];

/** Met whatever the stride: NaN, and with both signs ∞, 0, the least, the least normal and the greatest number, and 1. */
const EDGES = [
  Number.NaN,
  ...[Infinity, 0, 2 ** -149, 2 ** -126, (2 - 2 ** -23) * 2 ** 127, 1].flatMap((x) => [x, -x]),
];
const CHUNK = 1 << 16;
const MAX = (2 - 2 ** -23) * 2 ** 127;
const word = new Float64Array(1);
const high = new Int32Array(word.buffer);

/** Distance between neighbouring float32 numbers at y. */
function ulp(y) {
  word[0] = Math.min(Math.abs(y), MAX);
  return 2 ** (Math.max((high[1] >>> 20) - 1023, -126) - 23);
}

function load(build) {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536 });
  const module = new WebAssembly.Module(readFileSync(join(root, `build/${build}.wasm`)));
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort() {} } });
  const [x, out] = [1 << 20, 2 << 20];
  return {
    exports,
    bits: new Uint32Array(memory.buffer, x, CHUNK),
    x,
    out,
    y: new Float32Array(memory.buffer, out, CHUNK),
  };
}

await generate();
const builds = { base: load('base'), relaxed: load('relaxed') };
const xs = new Float32Array(CHUNK);
const bits = new Uint32Array(xs.buffer);

/** Largest error of each build in ulp, where, and how often NaN or the sign of zero differ. */
function measure(name, f, more = () => 0, rare = -1) {
  const worst = { base: [0, 0], relaxed: [0, 0] };
  let nan = 0;
  let zeros = 0;
  for (let start = -1; start < 2 ** 32; start += start < 0 ? 1 : CHUNK * stride) {
    const n = start < 0 ? EDGES.length : Math.min(CHUNK, Math.ceil((2 ** 32 - start) / stride));
    if (start < 0) xs.set(EDGES);
    else for (let i = 0; i < n; i++) bits[i] = start + i * stride;
    for (const { exports, bits: input, x, out } of Object.values(builds)) {
      input.set(bits);
      if (rare >= 0) exports.unaryRare(x, out, n, rare);
      else exports[name](x, out, n);
    }
    for (let i = 0; i < n; i++) {
      const exact = f(xs[i]);
      const rounded = Math.fround(exact);
      for (const build of ['base', 'relaxed']) {
        const actual = builds[build].y[i];
        if (Object.is(actual, rounded)) continue;
        if (Number.isNaN(actual) || Number.isNaN(rounded)) {
          if (Number.isNaN(actual) !== Number.isNaN(rounded)) nan++;
          continue;
        }
        if (actual === rounded) {
          zeros++;
          continue;
        }
        const p = Math.abs(actual) === Infinity ? Math.sign(actual) * 2 ** 128 : actual;
        const q = Math.abs(exact) === Infinity ? Math.sign(exact) * 2 ** 128 : exact;
        const far = (Math.abs(p - q) - more(xs[i], exact)) / ulp(exact);
        if (far > worst[build][0]) worst[build] = [far, xs[i]];
      }
    }
  }
  return { worst, nan, zeros };
}

const rows = [];
let isRight = true;
for (const [k, [name, f, stated, more, note]] of [...FUNCTIONS, ...RARE].entries()) {
  const { worst, nan, zeros } = measure(name, f, more, k - FUNCTIONS.length);
  const cell = ([far, at]) => (far <= 0.5 ? '0.5' : `${far.toFixed(2)} at ${Number(at.toPrecision(9))}`);
  const signs = zeros === 0 ? '' : 'sign of 0 not kept';
  const remarks = [note, signs].filter(Boolean).join('; ');
  const bound = stated === 0.5 ? 'correctly rounded' : `${stated}`;
  rows.push(`| ${name} | ${bound} | ${cell(worst.base)} | ${cell(worst.relaxed)} | ${remarks} |`);
  console.log(rows.at(-1));
  if (Math.max(worst.base[0], worst.relaxed[0]) > stated + 1e-6 || nan > 0) {
    isRight = false;
    console.log(`  WRONG: ${name} states ${stated} ulp; ${nan} NaN elsewhere`);
  }
}
if (!options.check) {
  mkdirSync(join(root, 'docs'), { recursive: true });
  writeFileSync(
    join(root, 'docs/accuracy.md'),
    `# Accuracy of the elementwise functions

Written by \`npm run accuracy\`: the largest distance from the value in float64, in units in the last place, over every
${stride}th of the 2³² float32 numbers, subnormal results and arguments, ±0, ±∞ and NaN among them, and where it is. 0.5 means
correctly rounded. Stated is what the kernels promise (the header of their file in \`assembly/\`) and what the tests hold
them to. NaN comes out where float64 has it, and nowhere else.

| function | stated | base | relaxed | remarks |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

Sums over an axis, products of matrices, convolutions and the diffusion ops state their bounds in the headers of their
files too; their tests compare them with float64 to these bounds. Binary arithmetic, comparisons and conversions are
correctly rounded; \`pow\` is within 1 ulp.
`,
  );
}
process.exit(isRight ? 0 : 1);
