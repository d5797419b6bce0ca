/** Small files of a model, read as a whole. */
import { ConfigError } from '../errors.ts';
import { readWhole } from '../formats/index.ts';
import { decodeUtf8 } from '../util/bytes.ts';
import type { ModelFiles } from './files.ts';

/** Files are read as a whole; longer ones are not what they claim to be. Parsing takes many times the bytes of a JSON file. */
const MAX_CONFIG_BYTES = 64e6;
/** Vocabularies, with their merges. */
const MAX_TOKENIZER_BYTES = 1e9;
/** Settings, labels of classes and lists of modules, as their names say. */
const CONFIG_NAME = /config\.json$|(^|\/)modules\.json$/;

type Json = Readonly<Record<string, unknown>>;

/**
 * The bytes of a file; undefined when there is no such file.
 * @throws FormatError for one that is longer than any of its kind
 */
export async function readFile(files: ModelFiles, file: string, signal?: AbortSignal): Promise<Uint8Array | undefined> {
  const source = await files.open(file, signal);
  return source && readWhole(source, CONFIG_NAME.test(file) ? MAX_CONFIG_BYTES : MAX_TOKENIZER_BYTES);
}

/** What a JSON file says; undefined when there is no such file. @throws ConfigError, FormatError, CheckpointError */
export async function readJsonValue(files: ModelFiles, file: string, signal?: AbortSignal): Promise<unknown> {
  const bytes = await readFile(files, file, signal);
  if (!bytes) return undefined;
  const where = files.name;
  try {
    return JSON.parse(decodeUtf8(bytes, `${file} of ${where}`));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ConfigError(`${file} is not valid JSON`, { seen: error.message, where, cause: error });
  }
}

/** A JSON object among the files; undefined when there is no such file. @throws ConfigError, FormatError, CheckpointError */
export async function readJson(files: ModelFiles, file: string, signal?: AbortSignal): Promise<Json | undefined> {
  const value = await readJsonValue(files, file, signal);
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new ConfigError(`${file} is not a JSON object`, {
    seen: Array.isArray(value) ? 'a list' : String(value),
    where: files.name,
  });
}
