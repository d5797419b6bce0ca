/**
 * Recurrent layers against the reference's: outputs, states, gradients. The files are not part of the project; without
 * them beside it this test is skipped, and `src/nn/recurrent.test.ts` has what can be said without them.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../src/backends/reference/index.ts';
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import type { Backend } from '../src/tensor/index.ts';
import { type Check, passes } from './golden/compare.ts';
import { diskFiles } from './golden/disk-files.ts';
import { recurrentChecks } from './golden/recurrent.ts';

const ROOT = fileURLToPath(new URL('../../shared/golden', import.meta.url));
const there = existsSync(`${ROOT}/torch/recurrent.json`);
const BACKENDS: Record<string, () => Promise<Backend>> = {
  reference: async () => createReferenceBackend(),
  wasm: () => createWasmBackend(),
};

describe.skipIf(!there)(
  `recurrent layers${there ? '' : ' (skipped: the shared reference results are not here)'}`,
  () => {
    it.each(Object.keys(BACKENDS))('compute what the reference computes on the %s backend', async name => {
      const backend = await BACKENDS[name]!();
      const checks: Check[] = [];
      for await (const check of recurrentChecks(diskFiles(ROOT), 'torch', backend)) checks.push(check);
      backend.close();
      expect(checks.filter(check => !passes(check))).toEqual([]);
      expect(checks.length).toBeGreaterThan(100);
    });
  },
);
