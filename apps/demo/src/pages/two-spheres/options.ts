/** What the user may choose on this page. */
export const CLASSES = ['inner sphere', 'outer sphere', 'either'] as const;
type SphereClass = (typeof CLASSES)[number];

/** Radii of class 0 and class 1. */
export const RADII = [1, 2] as const;

export interface TwoSpheresArgs {
  readonly class: SphereClass;
  readonly guidance: number;
  readonly noiseLevel: number;
  readonly steps: number;
  readonly count: number;
  readonly seed: number;
}

export interface Frame {
  readonly t: number;
  /** x, y, z of every particle, divided by √(α² + σ²). */
  readonly points: Float32Array;
}

export interface TwoSpheresResult {
  readonly nfe: number;
  readonly seconds: number;
  /** Mean and standard deviation of |x| at the end. */
  readonly radius: number;
  readonly spread: number;
}
