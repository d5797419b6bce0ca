/** `npm run golden -- ROOT`: checks the models in a folder of reference data. */
import { parseArgs } from 'node:util';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import type { Backend } from '../../src/tensor/index.ts';
import { allFolders, checkFolder, type FolderResult } from './check-folder.ts';
import { diskFiles } from './disk-files.ts';
import { folderLines, summary } from './report.ts';

const USAGE = 'usage: npm run golden -- ROOT [--only NAME,GLOB*] [--backend wasm|reference] [--verbose]';
const BACKENDS: Readonly<Record<string, () => Promise<Backend>>> = {
  wasm: () => createWasmBackend(),
  reference: async () => createReferenceBackend(),
};

const { values, positionals } = readArguments();
const [root] = positionals;
const create = Object.hasOwn(BACKENDS, values.backend) ? BACKENDS[values.backend] : undefined;
if (root === undefined || positionals.length > 1 || !create) {
  console.error(USAGE);
  process.exit(2);
}

const files = diskFiles(root);
const wanted = values.only?.split(',').map(glob);
const folders = (await allFolders(files)).filter(name => !wanted || wanted.some(pattern => pattern.test(name)));
if (folders.length === 0) {
  console.error(`nothing in ${root} is called ${values.only}`);
  process.exit(2);
}
const backend = await create();
const results: FolderResult[] = [];
for (const folder of folders) {
  const result = await checkFolder(files, folder, backend);
  for (const line of folderLines(result, values.verbose)) console.log(line);
  results.push(result);
}
backend.close();
const { line, failed } = summary(results);
process.exitCode = failed > 0 ? 1 : 0;
console.log(line);

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        only: { type: 'string' },
        backend: { type: 'string', default: 'wasm' },
        verbose: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}
function glob(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
}
