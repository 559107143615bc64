/**
 * The user's own data: a CSV of numbers (with an optional header, and an optional column named "label"), or a .npy
 * array [n, …].
 */
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { FormatError } from '@diff/core';
import { CsvError, parse as parseCsv } from 'csv-parse/sync';
import { parse as parseNpy, type TypedArray } from 'npyjs';
import type { Dataset } from './dataset.ts';

const MIN_ROWS = 20;
const LABEL = 'label';

export async function readData(path: string): Promise<Dataset> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new FormatError(
      `--data: the file must be readable, got ${(error as Error).message}. Check the path.`,
    );
  }
  const kind = extname(path).toLowerCase();
  if (kind !== '.csv' && kind !== '.npy') {
    throw new FormatError(
      `--data: the file must be a .csv or a .npy, got '${basename(path)}'. Convert it to one of them.`,
    );
  }
  const data =
    kind === '.csv' ? fromCsv(bytes.toString('utf8'), basename(path)) : fromNpy(bytes, basename(path));
  if (data.n < MIN_ROWS) {
    throw new FormatError(
      `--data: ${data.name} must have at least ${MIN_ROWS} rows, got ${data.n}. Pass more data.`,
    );
  }
  const bad = data.values.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) {
    throw new FormatError(
      `--data: every number must be finite, got ${data.values[bad]} in row ${Math.floor(bad / data.d) + 1}, ` +
        `column ${(bad % data.d) + 1} of ${data.name}. Remove or fill that row.`,
    );
  }
  return data;
}

function isNumber(cell: string): boolean {
  return cell.trim() !== '' && Number.isFinite(Number(cell));
}

/** Reads a CSV; exported for its errors' sake, which name line and column. */
export function fromCsv(text: string, name: string): Dataset {
  let parsed: unknown;
  try {
    parsed = parseCsv(text, { bom: true, skip_empty_lines: true, info: true, trim: true });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new FormatError(
      `--data: ${name} must be a CSV with as many cells in every line, got: ${error.message}. Mend that line.`,
    );
  }
  const records = parsed as { record: string[]; info: { lines: number } }[]; // the form that info: true gives
  const first = records[0]?.record ?? [];
  const header = first.length > 0 && !first.some(isNumber) ? first : undefined;
  const rows = header ? records.slice(1) : records;
  const labelColumn = header?.findIndex((title) => title.toLowerCase() === LABEL) ?? -1;
  const classNames = new Map<string, number>();
  const values: number[] = [];
  const labels: number[] = [];
  for (const { record, info } of rows) {
    record.forEach((cell, column) => {
      if (column === labelColumn) {
        if (!classNames.has(cell)) classNames.set(cell, classNames.size);
        labels.push(classNames.get(cell)!);
        return;
      }
      if (!isNumber(cell)) {
        throw new FormatError(
          `--data: every cell of ${name} must be a number, got '${cell}' in line ${info.lines}, column ${column + 1}` +
            `${header ? ` (${header[column]})` : ''}. Remove that column or row, or name a column of classes "${LABEL}".`,
        );
      }
      values.push(Number(cell));
    });
  }
  const d = (rows[0]?.record.length ?? 0) - (labelColumn >= 0 ? 1 : 0);
  if (rows.length > 0 && d < 1) {
    throw new FormatError(
      `--data: ${name} must have at least one column of numbers, got none. Add one beside "${LABEL}".`,
    );
  }
  return {
    name,
    values: Float32Array.from(values),
    n: rows.length,
    d,
    classes: classNames.size,
    ...(labelColumn >= 0 && { labels: Int32Array.from(labels), classNames: [...classNames.keys()] }),
  };
}

/** Reads a .npy array of rank 2 or more; all dimensions but the first are one row. */
export function fromNpy(bytes: Uint8Array, name: string): Dataset {
  const copy = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copy).set(bytes);
  let array: ReturnType<typeof parseNpy>;
  try {
    array = parseNpy(copy);
  } catch (error) {
    throw new FormatError(
      `--data: ${name} must be a .npy array, got: ${(error as Error).message}. Save it with numpy.save.`,
    );
  }
  const { shape, dtype, fortranOrder } = array;
  if (shape.length < 2 || fortranOrder || !/^[fiu][1248]$/.test(dtype)) {
    throw new FormatError(
      `--data: ${name} must hold numbers of shape [n, …] in C order, got ${dtype} of shape [${shape.join(', ')}]` +
        `${fortranOrder ? ' in Fortran order' : ''}. Save numpy.ascontiguousarray(x, 'float32').`,
    );
  }
  const n = shape[0]!;
  const d = shape.slice(1).reduce((a, b) => a * b, 1);
  const numbers = array.data as TypedArray;
  if (numbers.length !== n * d) {
    throw new FormatError(
      `--data: ${name} must hold ${n * d} numbers for its shape, got ${numbers.length}. The file is cut short.`,
    );
  }
  const side = shape.length === 3 && shape[1] === shape[2] ? shape[1] : undefined;
  return {
    name,
    values: Float32Array.from({ length: n * d }, (_, i) => Number(numbers[i])),
    n,
    d,
    classes: 0,
    ...(side && { side }),
  };
}
