/** What the user may choose on this page: names alone, so that the page need not load what the worker runs. */

export const SHAPES = ['eight Gaussians', 'Swiss roll', 'moons', 'checkerboard', 'letters', 'drawn'] as const;
export type Shape = (typeof SHAPES)[number];

export const PROCESSES = ['VP', 'sub-VP', 'Ornstein–Uhlenbeck', 'VE (EDM)'] as const;
export type ProcessName = (typeof PROCESSES)[number];

export const SAMPLERS = [
  { name: 'DDIM to DDPM', takesNoise: true },
  { name: 'Euler–Maruyama', takesNoise: true },
  { name: 'DPM-Solver++ (2M)', takesNoise: true },
  { name: 'UniPC', takesNoise: false },
  { name: 'Heun', takesNoise: false },
  { name: 'Runge–Kutta 4', takesNoise: false },
] as const;
export type SamplerName = (typeof SAMPLERS)[number]['name'];

export const GRIDS = ['log-SNR', 'Karras', 'uniform'] as const;
export type GridName = (typeof GRIDS)[number];

/** The picture shows |x|, |y| ≤ EXTENT. */
export const EXTENT = 2.6;

/** Where the score comes from: known in closed form, or from a network that is trained on the spot. */
export const SCORES = ['exact', 'learned'] as const;
type ScoreName = (typeof SCORES)[number];

/** A distribution in the plane. */
export interface Distribution {
  readonly shape: Shape;
  /** What the user drew, for the shape 'drawn'. */
  readonly drawn: readonly (readonly [number, number])[];
  readonly seed: number;
}

export interface NoiseAndBackArgs extends Distribution {
  readonly score: ScoreName;
  /** Steps of training, where the score is learned. */
  readonly training: number;
  readonly process: ProcessName;
  readonly sampler: SamplerName;
  readonly grid: GridName;
  readonly steps: number;
  readonly noiseLevel: number;
  readonly count: number;
}

/** What is known before anything moves. */
interface Start {
  readonly kind: 'start';
  /** Times of the frames to come, on the way forward and on the way back. */
  readonly forward: readonly number[];
  readonly back: readonly number[];
  readonly floor: Floor;
}

/** What the metric gives between two draws of the data, as large as those that it compares. */
export interface Floor {
  readonly value: number;
  /** Standard deviation over pairs of draws. */
  readonly spread: number;
  /** Particles that are compared. */
  readonly rows: number;
}

/** The network while it learns. */
export interface Lesson {
  readonly kind: 'lesson';
  readonly step: number;
  /** Mean denoising loss since the lesson before; NaN before the first step. */
  readonly loss: number;
  /** x, y of points of the data. */
  readonly points: Float32Array;
  /** Its σ·score at noise level σ = LESSON_SIGMA, as in a frame. */
  readonly arrows: Float32Array;
}

/** One moment: particles and the score field, both divided by the spread √(α² + σ²) so that the picture keeps its size. */
export interface Frame {
  readonly kind: 'frame';
  readonly forward: boolean;
  readonly t: number;
  /** x, y of every particle. */
  readonly points: Float32Array;
  /** σ·score at the nodes of a square lattice row by row. */
  readonly arrows: Float32Array;
  /** Energy distance to fresh data. */
  readonly distance: number;
  /** Of a learned score: its distance from the exact one over the particles, relative to the length of that. */
  readonly scoreError?: number;
}

export type NoiseAndBackUpdate = Start | Lesson | Frame;

export interface NoiseAndBackResult {
  readonly nfe: number;
  readonly seconds: number;
  /** The network that it was learned by. */
  readonly learned?: {
    readonly weights: number;
    readonly seconds: number;
    readonly backend: string;
    /** Was it trained before? */
    readonly kept: boolean;
  };
}

/** Noise level of the field that is shown while the network learns. */
export const LESSON_SIGMA = 0.3;
