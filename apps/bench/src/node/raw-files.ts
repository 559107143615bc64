/** Tensors as files of raw little-endian float32, by which the coordinator and the contestants exchange them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Inputs } from '../suite/bench-case.ts';

/** Where a tensor's numbers are. */
interface RawFile {
  readonly shape: readonly number[];
  readonly path: string;
}

export type RawFiles = Readonly<Record<string, RawFile>>;

export async function writeInputs(folder: string, inputs: Inputs): Promise<RawFiles> {
  await mkdir(folder, { recursive: true });
  const files = Object.entries(inputs).map(async ([name, { shape, values }]) => {
    const path = join(folder, `${name.replace(/\W/g, '_')}.f32`);
    await writeFile(path, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    return [name, { shape, path }] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

export async function readValues(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

export async function readInputs(files: RawFiles): Promise<Inputs> {
  const entries = Object.entries(files).map(
    async ([name, { shape, path }]) => [name, { shape, values: await readValues(path) }] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}
