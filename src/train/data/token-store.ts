/** Where tokenized data is kept: memory, or a folder in Node, in which it is either complete or not there. */
import { ConfigError } from '../../errors.ts';
import { type ByteSource, bytesSource, fileSource, nodeFiles } from '../../formats/index.ts';
import { isPlainFileName } from '../../formats/source.ts';
import { joinBytes } from './join-bytes.ts';
import type { Take } from './token-files.ts';

/** Opens a file of an entry. */
export type OpenFile = (file: string) => Promise<ByteSource>;

export interface TokenStore {
  /** For messages. */
  readonly name: string;
  /** Undefined when there is no such entry. */
  open(key: string): Promise<OpenFile | undefined>;
  /** Has `fill` write files; if it fails there is no entry. */
  write(key: string, fill: (create: (file: string) => Promise<Take>) => Promise<void>): Promise<OpenFile>;
}

/** Entries in memory. */
export function memoryStore(): TokenStore {
  const entries = new Map<string, Map<string, Uint8Array>>();
  const opener = (files: Map<string, Uint8Array>) => async (file: string) =>
    bytesSource(files.get(file) ?? new Uint8Array(), file);
  return {
    name: 'memory',
    async open(key) {
      const files = entries.get(key);
      return files && opener(files);
    },
    async write(key, fill) {
      const parts = new Map<string, Uint8Array[]>();
      await fill(async file => {
        const list: Uint8Array[] = [];
        parts.set(file, list);
        return async bytes => void list.push(bytes);
      });
      const files = new Map(Array.from(parts, ([file, list]) => [file, joinBytes(list)]));
      entries.set(key, files);
      return opener(files);
    },
  };
}

/** Entries as folders in a folder, in Node. @throws UnsupportedError elsewhere, when it is used */
export function folderStore(path: string): TokenStore {
  const checked = (key: string) => {
    if (isPlainFileName(key)) return key;
    throw new ConfigError('a key of data is a plain name', { seen: JSON.stringify(key), where: path });
  };
  const opener = (key: string) => (file: string) => fileSource(`${path}/${key}/${file}`);
  const exists = async (key: string) => {
    const { stat } = await nodeFiles();
    return stat(`${path}/${key}`).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    );
  };
  return {
    name: path,
    open: async key => ((await exists(checked(key))) ? opener(key) : undefined),
    async write(key, fill) {
      const { mkdir, open, rename, rm } = await nodeFiles();
      const stage = `${path}/${checked(key)}.${crypto.randomUUID()}.incomplete`;
      const handles: Awaited<ReturnType<typeof open>>[] = [];
      try {
        await mkdir(stage, { recursive: true });
        await fill(async file => {
          const handle = await open(`${stage}/${file}`, 'wx');
          handles.push(handle);
          return bytes => handle.appendFile(bytes);
        });
        for (const handle of handles) await handle.sync();
        // A folder with open files is not renamed everywhere.
        for (const handle of handles.splice(0)) await handle.close();
        await rename(stage, `${path}/${key}`).catch(async (error: unknown) => {
          // Whoever was faster wrote the same.
          if (!(await exists(key))) throw error;
        });
        return opener(key);
      } finally {
        for (const handle of handles) await handle.close();
        await rm(stage, { recursive: true, force: true });
      }
    },
  };
}
