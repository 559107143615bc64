/** What a model may predict of X_t = α X₀ + m + σ ε: ∇ log p_t, ε, X₀, or v = α ε − σ X₀. */
export type PredictionKind = 'score' | 'noise' | 'data' | 'velocity';

/** All kinds, for checks and loops. */
export const PREDICTION_KINDS: readonly PredictionKind[] = ['score', 'noise', 'data', 'velocity'];
