// What the parts of softmaxMean share: the layout of a panel's state and of what is the same for all points. Formulas in
// softmax-mean.ts.

/** Components of a block. */
export const BLOCK: i32 = 64;
export const BLOCK_BYTES: usize = 2048;

export const LN_2PI: f64 = 1.8378770664093453;

// State of a panel, eight lanes each: the maximum so far and with the present block, 1/(2v), −d/2 ln(2πv), noise,
// gains of x and of the centres, Σ r and Σ r·variance/v of a block; the same in float64; then the panel of x, the
// weighted sums, and those in float64.
export const MAXIMUM: usize = 0;
export const NEW_MAXIMUM: usize = 32;
export const HALF_INVERSE: usize = 64;
export const LOG_FACTOR: usize = 96;
export const ROW_NOISE: usize = 128;
export const GAIN_X: usize = 160;
export const GAIN_CENTRE: usize = 192;
export const SUM: usize = 224;
export const SUM_GAIN: usize = 256;
export const SUM64: usize = 288;
export const SUM_GAIN64: usize = 352;
export const POINTS: usize = 416;

/** How v is made. */
export const SHARED: i32 = 0; // the same for all components
export const EACH: i32 = 1; // for each component
export const PAIR: i32 = 2; // for each pair

/** What all points share. */
@unmanaged
export class Mixture {
  d: i32;
  count: i32;
  centres: usize;
  logWeights: usize;
  variances: usize;
  variance: f64;
  /** What is averaged: rows of m elements. */
  rows: usize;
  m: i32;
  hasValues: bool;
  /** blendX·x + blendMean·mean is the result. */
  blends: bool;
  blendX: f32;
  blendMean: f32;
  mode: i32;
  /** Mode EACH, for each component: logWeights − d/2 ln(2πv), 1/(2v), variance/v, noise/v. */
  logits: usize;
  halfInverses: usize;
  gainsX: usize;
  gainsCentre: usize;
  /** Buffers of a block, one for each panel: distances → exponents → weights. */
  buffers: usize;
  /** Mode PAIR: 1/v of a block, one for each panel. */
  inverses: usize;
  staging: usize;
}
