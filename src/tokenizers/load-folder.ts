/** Tokenizers from the disk, for Node. */
import { TokenizerError } from '../errors.ts';
import { tokenizerFileNames, tokenizerFromFiles } from './load.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * The tokenizer of a model folder, or of one file of it: see `tokenizerFromFiles` for which files are used. A file is read
 * together with the configuration beside it. Throws TokenizerError, FormatError, UnsupportedError.
 */
export async function loadTokenizer(folderOrFile: string): Promise<Tokenizer> {
  const { readdir, readFile, stat } = await import('node:fs/promises');
  const { basename, dirname, join } = await import('node:path');
  const isFolder = await stat(folderOrFile).then(
    entry => entry.isDirectory(),
    cause => {
      throw new TokenizerError('there is no such tokenizer folder or file', { where: folderOrFile, cause });
    },
  );
  const folder = isFolder ? folderOrFile : dirname(folderOrFile);
  const beside = await readdir(folder);
  const wanted = isFolder
    ? beside
    : [basename(folderOrFile), 'merges.txt', 'tokenizer_config.json', 'special_tokens_map.json'];
  const names = tokenizerFileNames(wanted.filter(name => beside.includes(name)));
  const files = await Promise.all(
    names.map(async name => [name, new Uint8Array(await readFile(join(folder, name)))] as const),
  );
  return tokenizerFromFiles(Object.fromEntries(files));
}
