/** From rows to tokenized examples: once per file, tokenizer and objective, however many epochs read them. */
import { ConfigError } from '../../errors.ts';
import { type ByteSource, readWhole } from '../../formats/index.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import { createSha256, type Sha256 } from '../../util/sha256.ts';
import type { Objective } from '../objectives/objective.ts';
import type { Dataset, Example } from './dataset.ts';
import type { Rows } from './row.ts';
import { readTokens, writeTokens } from './token-files.ts';
import { memoryStore, type TokenStore } from './token-store.ts';

export interface TokenizeOptions {
  /** Where the result is kept. Default: memory. */
  readonly store?: TokenStore | undefined;
  /** What the result depends on, see `dataKey`: when the store has it, no row is read. Default: always made anew. */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called about ten times a second. */
  readonly onProgress?: ((progress: { readonly rows: number; readonly examples: number }) => void) | undefined;
}
const DESCRIPTION = 'description.json';
const MOST_DESCRIPTION_BYTES = 1 << 20;
const PAUSE_MS = 100;

/**
 * The examples that an objective makes of rows.
 * @throws ConfigError when there are none, what the rows and the objective throw, and the signal's reason when aborted
 */
export async function tokenizeRows<C extends string>(
  rows: Rows | (() => Rows),
  objective: Pick<Objective<C>, 'columns' | 'encode' | 'name'>,
  { store = memoryStore(), key, signal, onProgress }: TokenizeOptions = {},
): Promise<Dataset<C>> {
  const { columns } = objective;
  const entry = key ?? crypto.randomUUID();
  const kept = key === undefined ? undefined : await store.open(key);
  const open =
    kept ??
    (await store.write(entry, async create => {
      const count = { rows: 0, examples: 0 };
      const given = typeof rows === 'function' ? rows() : rows;
      const examples = encoded(given, objective, count, { signal, onProgress });
      const facts = await writeTokens(columns, examples, create);
      if (facts.examples === 0)
        throw new ConfigError('the data has no examples', {
          seen: count.rows === 0 ? 'no rows' : `${count.rows} rows, all of them empty or too long`,
          fix: 'check the file, its columns and the lengths',
          where: objective.name,
        });
      const take = await create(DESCRIPTION);
      await take(new TextEncoder().encode(JSON.stringify(facts)));
    }));
  const text = new TextDecoder().decode(await readWhole(await open(DESCRIPTION), MOST_DESCRIPTION_BYTES));
  return readTokens(columns, JSON.parse(text), open, `${store.name}/${entry}`);
}

/** @param count is kept up to date */
async function* encoded<C extends string>(
  rows: Rows,
  objective: Pick<Objective<C>, 'encode'>,
  count: { rows: number; examples: number },
  { signal, onProgress }: Pick<TokenizeOptions, 'signal' | 'onProgress'>,
): AsyncGenerator<Example<C>> {
  let last = performance.now();
  for await (const row of rows) {
    for (const example of objective.encode(row)) {
      count.examples++;
      yield example;
    }
    count.rows++;
    if (performance.now() - last < PAUSE_MS) continue;
    onProgress?.({ ...count });
    // Lets timers and input run.
    await new Promise(resolve => setTimeout(resolve, 0));
    signal?.throwIfAborted();
    last = performance.now();
  }
  signal?.throwIfAborted();
}

/**
 * A name for tokenized data: a hash of the files' bytes, the tokenizer, the objective's settings, and whatever else the rows
 * depend on, such as the reader's options or the split.
 */
export async function dataKey(
  sources: readonly ByteSource[],
  tokenizer: Tokenizer,
  objective: Pick<Objective, 'name' | 'columns' | 'settings'>,
  more: unknown = null,
): Promise<string> {
  const { name, columns, settings } = objective;
  const facts = [await Promise.all(sources.map(contentHash)), tokenizerHash(tokenizer), name, columns, settings, more];
  return sha256(new TextEncoder().encode(JSON.stringify(facts)));
}

const CHUNK_BYTES = 1 << 22;
/** SHA-256 of a file's bytes, in hex; by the platform's own where there is one that takes parts. */
export async function contentHash(source: ByteSource): Promise<string> {
  const { update, digest } = partsHash();
  for (let at = 0; at < source.size; at += CHUNK_BYTES)
    update(await source.read(at, Math.min(CHUNK_BYTES, source.size - at)));
  return digest();
}
function partsHash(): Sha256 {
  const native = globalThis.process?.getBuiltinModule?.('node:crypto')?.createHash('sha256');
  return native ? { update: bytes => void native.update(bytes), digest: () => native.digest('hex') } : createSha256();
}

/** Text in which tokenizers of equal vocabularies differ: case, accents, spaces, digits, other scripts, signs. */
const PROBE =
  "The  quick Brown-fox jumps\tover 1234567 lazy dogs' naïve café.\n\n  Über 3,14 % größer; über\u0308 ﬁne! 你好，世界 привет 👍🏽 don't x²+y_z <s> [MASK]\r\n";

/** A hash of what a tokenizer does: its whole vocabulary, its special tokens, and how it cuts a text full of difficulties. */
export function tokenizerHash(tokenizer: Tokenizer): string {
  const { vocabSize, specialTokens } = tokenizer;
  const vocabulary = Array.from({ length: vocabSize }, (_, id) => tokenizer.idToToken(id) ?? null);
  const facts = [vocabulary, specialTokens, tokenizer.encodeIds(PROBE), tokenizer.encodeIds(PROBE, { pair: PROBE })];
  return sha256(new TextEncoder().encode(JSON.stringify(facts)));
}

function sha256(bytes: Uint8Array): string {
  const hash = createSha256();
  hash.update(bytes);
  return hash.digest();
}
