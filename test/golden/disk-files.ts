/** Golden data in a folder on disk, in Node. */
import { readFile } from 'node:fs/promises';
import type { GoldenFiles } from './golden-files.ts';

export function diskFiles(root: string): GoldenFiles {
  return {
    name: root,
    model: folder => `${root}/${folder}`,
    read: path =>
      readFile(`${root}/${path}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      }),
  };
}
