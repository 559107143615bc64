/**
 * The functions of assembly/binary-rare.ts: int32 arithmetic and comparisons (also of bool), LogicalAnd and LogicalOr,
 * and of float32 Pow (1 ulp), FloorDiv (an int32), Mod (one rounding, the sign of the divisor) and Atan2 (4 ulp).
 */
import {
  Add,
  Atan2,
  type DataType,
  Equal,
  FloorDiv,
  Greater,
  GreaterEqual,
  Less,
  LessEqual,
  LogicalAnd,
  LogicalOr,
  Maximum,
  Minimum,
  Mod,
  Multiply,
  NotEqual,
  Pow,
  SquaredDifference,
  Sub,
} from '@tensorflow/tfjs-core';

/** Positions in the enum of assembly/binary-rare.ts. */
const FLOATS: Readonly<Record<string, number>> = { [Pow]: 0, [FloorDiv]: 1, [Mod]: 2, [Atan2]: 3 };
const INTEGERS: Readonly<Record<string, number>> = {
  [FloorDiv]: 4,
  [Add]: 5,
  [Sub]: 6,
  [Multiply]: 7,
  [Maximum]: 8,
  [Minimum]: 9,
  [SquaredDifference]: 10,
  [Equal]: 11,
  [NotEqual]: 12,
  [Less]: 13,
  [LessEqual]: 14,
  [Greater]: 15,
  [GreaterEqual]: 16,
  [LogicalAnd]: 17,
  [LogicalOr]: 18,
};

/** The op's number for operands of this type (bool: widened to int32); undefined where there is no kernel. */
export function rareOp(kernelName: string, dtype: DataType): number | undefined {
  if (dtype === 'float32') return FLOATS[kernelName];
  if (dtype !== 'int32' && dtype !== 'bool') return undefined;
  const op = INTEGERS[kernelName];
  return op !== undefined && (dtype === 'int32' || rareType(op) === 'bool') ? op : undefined;
}

/** Type of the result for operands of type float32 or (widened) int32. */
export function rareType(op: number): 'float32' | 'int32' | 'bool' {
  if (op >= INTEGERS[Equal]!) return 'bool';
  return op >= INTEGERS[FloorDiv]! || op === FLOATS[FloorDiv] ? 'int32' : 'float32';
}
