/**
 * The two 16-bit floating-point formats of weights, to float32 and back: binary16 (1 sign, 5 exponent, 10 fraction bits;
 * largest 65504) and bfloat16 (the upper half of a float32). Reading is exact; writing rounds to nearest, ties to even,
 * and what is too large becomes infinite.
 */

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function toHalf(value: number): number {
  float[0] = value;
  const word = bits[0]!;
  const sign = (word >>> 16) & 0x8000;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return sign | 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24);
  const exponent = ((word >>> 23) & 255) - 127;
  // A fraction that rounds up to 1024 carries into the exponent, as it should.
  return sign | (((exponent + 15) << 10) + roundToEven((size * 2 ** -exponent - 1) * 1024));
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

function fromBrain(brain: number): number {
  bits[0] = brain << 16;
  return float[0]!;
}

function toBrain(value: number): number {
  float[0] = value;
  const word = bits[0]!;
  if (Number.isNaN(value)) return (word >>> 16) | 0x40;
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

/** One format: its 16 bits as a number, and back. */
interface HalfFloat {
  read(bits: number): number;
  write(value: number): number;
}

/** The two formats, by their name in a safetensors file. */
export const HALF_FLOATS: Readonly<Record<'F16' | 'BF16', HalfFloat>> = {
  F16: { read: fromHalf, write: toHalf },
  BF16: { read: fromBrain, write: toBrain },
};
