/** Both families against the reference's numbers, from the files that come with the project, on every backend. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../src/backends/reference/index.ts';
import { createWasmBackend } from '../src/backends/wasm/index.ts';
import type { Backend } from '../src/tensor/index.ts';
import { allFolders, checkFolder } from './golden/check-folder.ts';
import { passes } from './golden/compare.ts';
import { diskFiles } from './golden/disk-files.ts';
import { folderLines } from './golden/report.ts';

const files = diskFiles(fileURLToPath(new URL('golden/data', import.meta.url)));
const folders = await allFolders(files);
const BACKENDS: Record<string, () => Promise<Backend>> = {
  reference: async () => createReferenceBackend(),
  wasm: () => createWasmBackend(),
};

describe.each(Object.keys(BACKENDS))('golden data on the %s backend', name => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await BACKENDS[name]!();
  });
  afterAll(() => backend.close());

  it.each(folders)('%s', async folder => {
    const result = await checkFolder(files, folder, backend);
    expect(result.skipped).toBeUndefined();
    expect(result.checks.length).toBeGreaterThan(0);
    const failed = result.checks.filter(check => !passes(check));
    expect(failed, folderLines({ ...result, checks: failed }, true).join('\n')).toEqual([]);
  });
});
