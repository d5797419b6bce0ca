/** Tokenizers from files that are asked for by name: a folder on the disk (in Node), or wherever else a model lies. */
import { TokenizerError } from '../errors.ts';
import { readGgufMetadata } from '../formats/gguf-metadata.ts';
import { nodeFiles, splitPath } from '../formats/node-files.ts';
import { fileSource } from '../formats/source.ts';
import { type LanguageOptions, TOKENIZER_FILES, tokenizerFileNames, tokenizerFromFiles, USUAL_MODELS } from './load.ts';
import { tokenizerFromGguf } from './load-gguf.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Names to try where the files of a model cannot be listed: the usual ones of every format, and the configuration. */
const USUAL_FILES = [
  ...['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'vocab.json', 'merges.txt', 'vocab.txt'],
  ...['source.spm', 'target.spm', 'target_vocab.json', 'tokenizer.tiktoken', ...USUAL_MODELS],
];

/** The files that are read together with one. */
function companionsOf(file: string): string[] {
  const companions = ['merges.txt', 'tokenizer_config.json', 'special_tokens_map.json'];
  if (file.endsWith('.spm')) return ['source.spm', 'target.spm', 'vocab.json', 'target_vocab.json', ...companions];
  return file.endsWith('.model') ? ['vocab.json', ...companions] : companions;
}

/**
 * The tokenizer of a model folder, or of one file of it: see `tokenizerFromFiles` for which files are used. A file is read
 * together with the configuration beside it. Throws TokenizerError, FormatError, UnsupportedError.
 */
export async function loadTokenizer(folderOrFile: string, options: LanguageOptions = {}): Promise<Tokenizer> {
  const { readdir, readFile, stat } = await nodeFiles();
  const facts = await stat(folderOrFile).catch((cause: unknown) => {
    throw new TokenizerError('there is no such tokenizer folder or file', { where: folderOrFile, cause });
  });
  const [folder, file] = facts.isDirectory() ? [`${folderOrFile}/`, undefined] : splitPath(folderOrFile);
  const beside = await readdir(folder || '.');
  const wanted = file === undefined ? beside : [file, ...companionsOf(file)];
  const names = wanted.filter(name => beside.includes(name));
  const [main] = tokenizerFileNames(names);
  if (main?.endsWith('.gguf')) {
    // Of a model's weights only the beginning is read.
    const source = await fileSource(folder + main);
    try {
      return tokenizerFromGguf(await readGgufMetadata(source));
    } finally {
      await source.close();
    }
  }
  const tokenizer = await loadTokenizerFrom(
    async name => new Uint8Array(await readFile(folder + name)),
    names,
    options,
  );
  if (tokenizer) return tokenizer;
  throw new TokenizerError('no tokenizer among the files', {
    seen: names.slice(0, 20).join(', ') || 'no files',
    expected: TOKENIZER_FILES,
    where: folderOrFile,
  });
}

/**
 * The tokenizer among files that `read` gives by name (undefined = there is no such file); the choice is that of
 * `tokenizerFromFiles`. Undefined when there is none.
 * @param names all files there are; where they are not known, the usual names are tried
 * @throws TokenizerError, FormatError, UnsupportedError, and what `read` throws
 */
export async function loadTokenizerFrom(
  read: (file: string) => Promise<Uint8Array | undefined>,
  names: readonly string[] = USUAL_FILES,
  options: LanguageOptions = {},
): Promise<Tokenizer | undefined> {
  const files: Record<string, Uint8Array> = {};
  // A GGUF file is mostly weights.
  let left = names.filter(name => !name.endsWith('.gguf'));
  for (;;) {
    const wanted = tokenizerFileNames(left);
    if (wanted.length === 0) return undefined;
    const missing: string[] = [];
    const fetchOne = async (name: string) => {
      const bytes = files[name] ?? (await read(name));
      if (bytes) files[name] = bytes;
      else missing.push(name);
    };
    await Promise.all(wanted.map(fetchOne));
    if (missing.length === 0)
      return tokenizerFromFiles(Object.fromEntries(wanted.map(name => [name, files[name]!])), options);
    // What is not there changes the choice.
    left = left.filter(name => !missing.includes(name));
  }
}
