/** A member of the crew as a contender: its requests go to its process, its inputs and results through files. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchCase } from '../suite/bench-case.ts';
import type { Contender } from '../suite/contender.ts';
import { digest } from '../suite/digest.ts';
import type { ContestantProcess } from './contestant-process.ts';
import { type RawFiles, readValues, writeInputs } from './raw-files.ts';

/** The inputs of the present case as files, written once for all contestants. */
export interface CaseFiles {
  readonly folder: string;
  inputs(benchCase: BenchCase): Promise<RawFiles>;
}

export function caseFiles(scratch: string): CaseFiles {
  let present: { readonly id: string; readonly files: Promise<RawFiles> } | undefined;
  return {
    folder: scratch,
    inputs(benchCase) {
      if (present?.id !== benchCase.id) {
        const files = mkdir(scratch, { recursive: true }).then(() =>
          writeInputs(scratch, benchCase.inputs()),
        );
        present = { id: benchCase.id, files };
      }
      return present.files;
    },
  };
}

export interface ProcessContenderOptions {
  readonly id: string;
  readonly yardstick?: boolean | undefined;
  readonly files: CaseFiles;
  /** Its process, started if need be. */
  process(): Promise<ContestantProcess>;
}

export function processContender({ id, yardstick, files, process }: ProcessContenderOptions): Contender {
  return {
    id,
    ...(yardstick && { yardstick }),
    async prepare(benchCase, limit) {
      const { op, settings } = benchCase;
      const output = join(files.folder, `result-of-${id}.f32`);
      const inputs = await files.inputs(benchCase);
      const { ask } = await process();
      const found = await ask({ do: 'prepare', case: benchCase.id, op, settings, inputs, output }, limit);
      return found.digest ?? digest(await readValues(output));
    },
    time: async ({ repetitions, bursts }, limit) =>
      (await process()).ask({ do: 'time', repetitions, bursts }, limit),
    finish: async (limit) => (await process()).ask({ do: 'finish' }, limit),
  };
}
