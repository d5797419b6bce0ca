/** Tiny checkpoints of the golden data with tokenizers of their own, and what reference libraries computed with them. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bytesSource } from '../../src/formats/index.ts';
import { folderFiles, type ModelFiles } from '../../src/hub/files.ts';
import { type LoadOptions, load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const own = (name: string): Promise<Buffer> => readFile(path(`./data/${name}`));

/** A committed JSON file of this folder's data. */
export const readData = async <T>(name: string): Promise<T> => JSON.parse((await own(name)).toString()) as T;

/** Special tokens by role, for each of the tokenizers. */
const ROLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  decoder: { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>' },
  start: { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>' },
  recurrent: { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>' },
  source: { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>' },
  encoder: { cls_token: '[CLS]', sep_token: '[SEP]', pad_token: '[PAD]', mask_token: '[MASK]' },
};

/** A golden checkpoint, its weights random, with one of the tokenizers in `data`. */
export async function tinyModel(folder: string, tokenizer: string, options: LoadOptions = {}): Promise<Model> {
  const files = folderFiles(path(`../golden/data/${folder}`));
  const extra: Readonly<Record<string, Uint8Array>> = {
    'tokenizer.json': await own(`${tokenizer}-tokenizer.json`),
    'tokenizer_config.json': new TextEncoder().encode(JSON.stringify(ROLES[tokenizer])),
  };
  const together: ModelFiles = {
    name: folder,
    open: async (file, signal) => (extra[file] ? bytesSource(extra[file], file) : await files.open(file, signal)),
    list: async () => [...((await files.list?.()) ?? []), ...Object.keys(extra)],
  };
  return load(together, options);
}
