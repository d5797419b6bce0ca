/**
 * heed needs no plugin. What stands here: the models that come with it lie in the package, where a page cannot fetch them, so
 * they are copied into `public/`; and `--mode isolated` sends the headers that give a page shared memory, and heed its threads.
 */
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';

const MODELS = ['kleinwelt-llama', 'kleinwelt-bert'];
const here = import.meta.dirname;
for (const name of MODELS) {
  const from = join(here, 'node_modules/heed/models', name);
  if (existsSync(from)) cpSync(from, join(here, 'public/models', name), { recursive: true });
}
const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

export default ({ mode }: { readonly mode: string }) => {
  const headers = mode === 'isolated' ? ISOLATION : {};
  return {
    // Relative addresses: what is built works in any folder of a server.
    base: './',
    worker: { format: 'es' },
    // A linked package is not bundled ahead of time by itself, as an installed one is.
    optimizeDeps: { include: ['heed'] },
    // Only for the style of ../plain.
    server: { headers, fs: { allow: ['..'] } },
    preview: { headers },
  };
};
