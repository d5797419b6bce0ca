/** Compares tokenizers with the expected outputs that lie beside their files: the engine of the runner and of the test. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { HeedError, UnsupportedError } from '../../src/errors.ts';
import {
  codePointIndex,
  type EncodeOptions,
  type Encoding,
  type PaddingOptions,
  type Tokenizer,
  type TruncationStrategy,
  tokenizerFromFiles,
  tokenizerFromTiktoken,
  tokenizerFromVocabMerges,
} from '../../src/tokenizers/index.ts';

/** The outcome of one kind of check on one format of one folder. */
export interface CheckResult {
  readonly folder: string;
  readonly format: string;
  readonly kind: string;
  passed: number;
  failed: number;
  /** Why nothing was checked. */
  readonly skipped?: string;
  /** The first few differences. */
  readonly differences: string[];
}

interface Expected {
  readonly id: string;
  readonly text: string;
  readonly ids: number[];
  readonly ids_special?: number[];
  readonly ids_plain?: number[];
  readonly ids_sentencepiece?: number[];
  readonly sentencepiece?: string;
  readonly tokens?: string[];
  readonly token_bytes_hex?: string[];
  readonly offsets?: [number, number][];
  readonly decoded: string;
  readonly decoded_skip?: string;
  readonly encoded?: { ids: number[]; type_ids: number[]; attention_mask: number[]; overflow: number[][] };
}

interface Window {
  readonly ids: number[];
  readonly type_ids: number[];
  readonly offsets?: [number, number][];
}

interface PairCase extends Window {
  readonly id: string;
  readonly text: string;
  readonly text_pair: string;
  readonly tokens: string[];
  readonly special_tokens_mask: number[];
  readonly attention_mask: number[];
  readonly offsets: [number, number][];
  readonly sequence_ids: (number | null)[];
  readonly word_ids: (number | null)[];
}

interface TruncationCase extends Window {
  readonly id: string;
  readonly pair?: string;
  readonly text?: string;
  readonly strategy: TruncationStrategy;
  readonly max_length: number;
  readonly stride: number;
  readonly direction: 'left' | 'right';
  readonly error?: string;
  readonly overflow: Window[];
  readonly overflow_count?: number;
}

interface BatchCase {
  readonly id: string;
  readonly texts: (string | [string, string])[];
  readonly padding: {
    direction: 'left' | 'right';
    pad_id: number;
    pad_token: string;
    pad_type_id?: number;
    length: number | null;
    pad_to_multiple_of: number | null;
  };
  readonly truncation: number | null;
  readonly ids: number[][];
  readonly attention_mask: number[][];
  readonly type_ids: number[][];
}

interface PublishedCase {
  readonly name?: string;
  readonly text: string;
  readonly text_pair?: string;
  readonly tokens?: string[];
  readonly ids: number[];
  readonly decoded?: string;
}

const SHOWN_DIFFERENCES = 3;
const PLAIN: EncodeOptions = { addSpecialTokens: false };
/** Special tokens in the text are text. */
const AS_TEXT: EncodeOptions = { addSpecialTokens: false, parseSpecialTokens: false };

/** Collects results of one folder and format by kind, in order of first use. */
class Report {
  readonly results: CheckResult[] = [];
  readonly #folder: string;
  readonly #format: string;

  constructor(folder: string, format: string) {
    this.#folder = folder;
    this.#format = format;
  }

  #result(kind: string): CheckResult {
    let result = this.results.find(known => known.kind === kind);
    if (!result)
      this.results.push(
        (result = { folder: this.#folder, format: this.#format, kind, passed: 0, failed: 0, differences: [] }),
      );
    return result;
  }

  skip(reason: string): void {
    this.results.push({
      folder: this.#folder,
      format: this.#format,
      kind: 'all',
      passed: 0,
      failed: 0,
      skipped: reason,
      differences: [],
    });
  }

  /** Compares by value; `seen` may throw. */
  same(kind: string, name: string, seen: () => unknown, expected: unknown): void {
    const result = this.#result(kind);
    let value: unknown;
    try {
      value = seen();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      value = `${error.name}: ${error.message}`;
    }
    const [left, right] = [JSON.stringify(value), JSON.stringify(expected)];
    if (left === right) {
      result.passed++;
      return;
    }
    result.failed++;
    if (result.differences.length < SHOWN_DIFFERENCES) {
      let at = 0;
      while (left?.[at] === right?.[at]) at++;
      const from = Math.max(0, at - 40);
      result.differences.push(
        `${name}: seen ...${left?.slice(from, at + 80)} expected ...${right?.slice(from, at + 80)}`,
      );
    }
  }
}

/** Offsets in code points, as the reference counts them. */
function codePointOffsets(text: string, offsets: readonly (readonly [number, number])[]): [number, number][] {
  const index = codePointIndex(text);
  return offsets.map(([start, end]) => [index[start]!, index[end]!]);
}

function readJson<T>(folder: string, file: string): T | undefined {
  const path = join(folder, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
}

/** A format of a folder: its name, how to load it, and what its reference is. */
interface Format {
  readonly name: string;
  readonly load: () => Tokenizer;
  /** `file`: the folder's expected.json; `sentencepiece`: the library on the bare model; `ranks`: tiktoken. */
  readonly reference: 'file' | 'sentencepiece' | 'ranks';
}

/** Split pattern and special tokens of a rank file that is none of the published ones, from the tokenizer.json beside it. */
function ownEncoding(folder: string): Parameters<typeof tokenizerFromTiktoken>[1] {
  interface Json {
    added_tokens: { content: string; id: number }[];
    pre_tokenizer: { pretokenizers: { pattern?: { Regex: string } }[] };
  }
  const json = readJson<Json>(folder, 'tokenizer.json');
  if (!json) return undefined;
  const pattern = json.pre_tokenizer.pretokenizers.find(part => part.pattern)!.pattern!.Regex;
  return { pattern, specialTokens: Object.fromEntries(json.added_tokens.map(({ content, id }) => [content, id])) };
}

function formatsOf(folder: string): Format[] {
  const names = readdirSync(folder);
  const bytes = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
  const config = names.includes('tokenizer_config.json')
    ? { 'tokenizer_config.json': bytes('tokenizer_config.json') }
    : {};
  const formats: Format[] = [];
  if (names.includes('tokenizer.json')) {
    const load = () => tokenizerFromFiles({ 'tokenizer.json': bytes('tokenizer.json'), ...config });
    formats.push({ name: 'tokenizer.json', load, reference: 'file' });
  }
  if (names.includes('merges.txt')) {
    const load = () =>
      tokenizerFromVocabMerges(readJson(folder, 'vocab.json'), readFileSync(join(folder, 'merges.txt'), 'utf8'));
    formats.push({ name: 'vocab.json + merges.txt', load, reference: 'file' });
  }
  for (const name of names.filter(entry => entry.endsWith('.model'))) {
    const isRanks = bytes(name)[0] !== 0x0a;
    formats.push({
      name,
      load: () => tokenizerFromFiles({ [name]: bytes(name) }),
      reference: isRanks ? 'ranks' : 'sentencepiece',
    });
  }
  for (const name of names.filter(entry => entry.endsWith('.tiktoken'))) {
    formats.push({ name, load: () => tokenizerFromTiktoken(bytes(name), ownEncoding(folder)), reference: 'ranks' });
  }
  return formats;
}

function streamed(tokenizer: Tokenizer, ids: readonly number[]): string {
  const stream = tokenizer.stream();
  return ids.map(id => stream.push(id)).join('') + stream.flush();
}

function checkFile(report: Report, tokenizer: Tokenizer, cases: readonly Expected[]): void {
  for (const { id, text, ...expected } of cases) {
    report.same('ids', id, () => tokenizer.encodeIds(text, PLAIN), expected.ids);
    let encoding: Encoding | undefined;
    report.same('encode = encodeIds', id, () => (encoding = tokenizer.encode(text, PLAIN)).ids, expected.ids);
    if (expected.tokens) report.same('tokens', id, () => encoding?.tokens, expected.tokens);
    if (expected.offsets)
      report.same('offsets', id, () => encoding && codePointOffsets(text, encoding.offsets), expected.offsets);
    report.same('decoded', id, () => tokenizer.decode(expected.ids), expected.decoded);
    report.same('streamed', id, () => streamed(tokenizer, expected.ids), expected.decoded);
    if (!expected.ids_special) continue;
    report.same('ids_special', id, () => tokenizer.encodeIds(text), expected.ids_special);
    const { decoded_skip: skipped, encoded } = expected;
    if (skipped !== undefined)
      report.same(
        'decoded_skip',
        id,
        () => tokenizer.decode(expected.ids_special!, { skipSpecialTokens: true }),
        skipped,
      );
    if (encoded) {
      const { savedOptions } = tokenizer;
      const seen = () => {
        const [result] = tokenizer.encodeBatch([text], savedOptions);
        const { ids, typeIds: type_ids, attentionMask: attention_mask } = result!;
        const [limited] = tokenizer.encodeBatch([seenByReference(tokenizer, text, savedOptions).text], savedOptions);
        return { ids, type_ids, attention_mask, overflow: limited!.overflowing.map(window => window.ids) };
      };
      report.same('encoded', id, seen, encoded);
    }
  }
}

/** A bare model: the library never recognises special tokens in a text. */
function checkSentencePiece(report: Report, tokenizer: Tokenizer, cases: readonly Expected[], alone: boolean): void {
  const marked = cases.some(({ sentencepiece }) => sentencepiece !== undefined);
  for (const { id, text, ...expected } of cases) {
    const other = expected.ids_sentencepiece;
    // Files made with another tokenizer say where the library agrees with it; the other texts were not run.
    if (marked && !other && expected.sentencepiece !== 'same') continue;
    const ids = other ?? expected.ids;
    report.same('ids', id, () => tokenizer.encodeIds(text, AS_TEXT), ids);
    let encoding: Encoding | undefined;
    report.same('encode = encodeIds', id, () => (encoding = tokenizer.encode(text, AS_TEXT)).ids, ids);
    if (other) continue;
    if (expected.tokens) report.same('tokens', id, () => encoding?.tokens, expected.tokens);
    if (expected.offsets)
      report.same('offsets', id, () => encoding && codePointOffsets(text, encoding.offsets), expected.offsets);
    if (alone) report.same('decoded', id, () => tokenizer.decode(expected.ids), expected.decoded);
    report.same('streamed', id, () => streamed(tokenizer, ids), tokenizer.decode(ids));
  }
}

function checkRanks(report: Report, tokenizer: Tokenizer, cases: readonly Expected[]): void {
  const hexOf = (id: number) => Buffer.from(tokenBytes(tokenizer, id)).toString('hex');
  for (const { id, text, ...expected } of cases) {
    report.same('ids', id, () => tokenizer.encodeIds(text, PLAIN), expected.ids);
    report.same('encode = encodeIds', id, () => tokenizer.encode(text, PLAIN).ids, expected.ids);
    if (expected.ids_plain) report.same('ids_plain', id, () => tokenizer.encodeIds(text, AS_TEXT), expected.ids_plain);
    if (expected.token_bytes_hex)
      report.same('token_bytes_hex', id, () => expected.ids.map(hexOf), expected.token_bytes_hex);
    report.same('decoded', id, () => tokenizer.decode(expected.ids), expected.decoded);
    report.same('streamed', id, () => streamed(tokenizer, expected.ids), expected.decoded);
  }
}

/** The bytes a token stands for, found by decoding: a latin1 view would need the library's own table. */
function tokenBytes(tokenizer: Tokenizer, id: number): Uint8Array {
  const token = tokenizer.idToToken(id)!;
  if (tokenizer.allSpecialIds.has(id)) return new TextEncoder().encode(token);
  return Uint8Array.from(token, char => byteOf.get(char)!);
}

/** GPT-2's table, written a second time on purpose. */
const byteOf = new Map<string, number>();
for (let byte = 0, next = 256; byte < 256; byte++) {
  const visible = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  byteOf.set(String.fromCodePoint(visible ? byte : next++), byte);
}

/**
 * The part of a text whose tokens the reference has when it makes windows. Since 0.23.1 huggingface/tokenizers stops at the
 * piece that reaches `maxLength` tokens (pull request 1990), so that its further windows do not cover the rest of the text
 * (pull request 2098 is about putting that right). Ours do; their form is compared on the part that the reference has seen.
 */
function seenByReference(tokenizer: Tokenizer, text: string, options: EncodeOptions): { text: string; start: number } {
  const { maxLength = Number.POSITIVE_INFINITY, truncationSide } = options;
  const { wordIds, offsets } = tokenizer.encode(text, PLAIN);
  const count = wordIds.length;
  if (count <= maxLength) return { text, start: 0 };
  if (truncationSide === 'left') {
    let first = count - maxLength;
    while (first > 0 && wordIds[first - 1] === wordIds[first]) first--;
    // Trimmed offsets leave out a space that belongs to the piece.
    const start = first > 0 ? offsets[first - 1]![1] : 0;
    return { text: text.slice(start), start };
  }
  let last = maxLength - 1;
  while (last + 1 < count && wordIds[last + 1] === wordIds[last]) last++;
  return { text: text.slice(0, offsets[last]![1]), start: 0 };
}

function checkPairs(report: Report, tokenizer: Tokenizer, folder: string): void {
  const file = readJson<{ pairs: PairCase[]; truncation: TruncationCase[]; batches: BatchCase[] }>(
    folder,
    'pairs.json',
  );
  if (!file) return;
  for (const pair of file.pairs) {
    const seen = () => {
      const encoding = tokenizer.encode(pair.text, { pair: pair.text_pair });
      return [
        encoding.ids,
        encoding.typeIds,
        encoding.tokens,
        encoding.specialTokensMask,
        encoding.attentionMask,
        pairOffsets(encoding, pair.text, pair.text_pair),
        encoding.sequenceIds,
        encoding.wordIds,
      ];
    };
    const { ids, type_ids, tokens, special_tokens_mask, attention_mask, offsets, sequence_ids, word_ids } = pair;
    report.same('pairs', pair.id, seen, [
      ids,
      type_ids,
      tokens,
      special_tokens_mask,
      attention_mask,
      offsets,
      sequence_ids,
      word_ids,
    ]);
    report.same('pairs (ids only)', pair.id, () => tokenizer.encodeIds(pair.text, { pair: pair.text_pair }), ids);
  }
  for (const test of file.truncation) checkTruncation(report, tokenizer, test, file.pairs);
  for (const batch of file.batches) checkBatch(report, tokenizer, batch);
}

function pairOffsets(encoding: Encoding, first: string, second: string): [number, number][] {
  const indexes = [codePointIndex(first), codePointIndex(second)];
  return encoding.offsets.map(([start, end], i) => {
    const index = indexes[encoding.sequenceIds[i] ?? 0]!;
    return [index[start]!, index[end]!];
  });
}

const ERRORS: Readonly<Record<string, RegExp>> = {
  sequence_too_short: /no token left/,
  stride_not_below_window: /stride must be smaller/,
};

function checkTruncation(report: Report, tokenizer: Tokenizer, test: TruncationCase, pairs: readonly PairCase[]): void {
  const pair = pairs.find(({ id }) => id === test.pair);
  const text = pair?.text ?? test.text!;
  const options: EncodeOptions = {
    ...(pair && { pair: pair.text_pair }),
    maxLength: test.max_length,
    truncation: test.strategy,
    truncationSide: test.direction,
    stride: test.stride,
  };
  if (test.error) {
    const message = () => {
      try {
        tokenizer.encode(text, options);
        return 'no error';
      } catch (error) {
        return error instanceof HeedError && ERRORS[test.error!]!.test(error.message) ? test.error : String(error);
      }
    };
    report.same('truncation', test.id, message, test.error);
    return;
  }
  const wanted = (window: Window) => [window.ids, window.type_ids, window.offsets];
  const view = (encoding: Encoding, expected: Window | undefined, starts: readonly number[]) => {
    const shifted = encoding.offsets.map(([start, end], i): [number, number] => {
      const sequence = encoding.sequenceIds[i];
      const shift = sequence === null ? 0 : starts[sequence!]!;
      return [start + shift, end + shift];
    });
    const offsets = expected?.offsets && pairOffsets({ ...encoding, offsets: shifted }, text, pair?.text_pair ?? '');
    return [encoding.ids, encoding.typeIds, offsets];
  };
  const seen = () => {
    const first = seenByReference(tokenizer, text, options);
    const second = pair && seenByReference(tokenizer, pair.text_pair, options);
    const limited = tokenizer.encode(first.text, { ...options, ...(second && { pair: second.text }) }).overflowing;
    const starts = [first.start, second?.start ?? 0];
    const overflow = limited.slice(0, test.overflow.length).map((window, i) => view(window, test.overflow[i], starts));
    return [view(tokenizer.encode(text, options), test, [0, 0]), limited.length, overflow];
  };
  report.same('truncation', test.id, seen, [
    wanted(test),
    test.overflow_count ?? test.overflow.length,
    test.overflow.map(wanted),
  ]);
  report.same('truncation (ids only)', test.id, () => tokenizer.encodeIds(text, options), test.ids);
}

function checkBatch(report: Report, tokenizer: Tokenizer, batch: BatchCase): void {
  const { direction, pad_id, pad_token, pad_type_id, length, pad_to_multiple_of } = batch.padding;
  const options: EncodeOptions & PaddingOptions = {
    padding: length ?? 'longest',
    paddingSide: direction,
    padId: pad_id,
    padToken: pad_token,
    ...(pad_type_id !== undefined && { padTypeId: pad_type_id }),
    ...(pad_to_multiple_of !== null && { padToMultipleOf: pad_to_multiple_of }),
    ...(batch.truncation !== null && { maxLength: batch.truncation }),
  };
  const seen = () => {
    const encodings = tokenizer.encodeBatch(batch.texts, options);
    return [encodings.map(e => e.ids), encodings.map(e => e.attentionMask), encodings.map(e => e.typeIds)];
  };
  report.same('batches', batch.id, seen, [batch.ids, batch.attention_mask, batch.type_ids]);
}

function checkPublished(report: Report, tokenizer: Tokenizer, folder: string, format: Format): void {
  // llama.cpp's lists have no added tokens and take special tokens as text; the other two have the model's own ones, which
  // a rank file does not name.
  const own: EncodeOptions = format.reference === 'ranks' ? PLAIN : {};
  for (const { text, ids } of readJson<PublishedCase[]>(folder, 'cases-llamacpp.json') ?? []) {
    report.same('cases-llamacpp', JSON.stringify(text.slice(0, 30)), () => tokenizer.encodeIds(text, AS_TEXT), ids);
  }
  for (const test of readJson<PublishedCase[]>(folder, 'cases-hf.json') ?? []) {
    const pair = test.text_pair === undefined ? {} : { pair: test.text_pair };
    const seen = () => {
      const ids = tokenizer.encodeIds(test.text, { ...own, ...pair });
      const decoded = tokenizer.decode(ids);
      // Some of these models clean up spaces by their configuration, which is not in the folder.
      return [ids, decoded === test.decoded ? decoded : tokenizer.decode(ids, { cleanUpSpaces: true })];
    };
    report.same('cases-hf', test.name ?? test.text, seen, [test.ids, test.decoded]);
  }
  for (const { name, text, ids } of readJson<PublishedCase[]>(folder, 'cases-long.json') ?? []) {
    report.same('cases-long', name ?? text.slice(0, 30), () => tokenizer.encodeIds(text, own), ids);
  }
}

/** Checks every format of a folder with an expected.json. */
export function checkFolder(folder: string): CheckResult[] {
  const cases = readJson<Expected[]>(folder, 'expected.json');
  if (!cases) return [];
  const formats = formatsOf(folder);
  if (formats.length === 0) {
    const report = new Report(
      basename(folder),
      readdirSync(folder)
        .filter(name => /\.(gguf|txt)$/.test(name))
        .join(', '),
    );
    report.skip('no format that is supported yet');
    return report.results;
  }
  return formats.flatMap(format => {
    const report = new Report(basename(folder), format.name);
    let tokenizer: Tokenizer;
    try {
      tokenizer = format.load();
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      report.skip(error.message);
      return report.results;
    }
    if (format.reference === 'file') checkFile(report, tokenizer, cases);
    else if (format.reference === 'ranks') checkRanks(report, tokenizer, cases);
    else checkSentencePiece(report, tokenizer, cases, formats.length === 1);
    if (format.reference !== 'sentencepiece') checkPairs(report, tokenizer, folder);
    checkPublished(report, tokenizer, folder, format);
    return report.results;
  });
}

/** All folders below `root` that have an expected.json, `root` itself included. */
export function foldersBelow(root: string): string[] {
  const entries = readdirSync(root, { withFileTypes: true });
  const here = entries.some(entry => entry.name === 'expected.json') ? [root] : [];
  const below = entries.filter(entry => entry.isDirectory()).flatMap(entry => foldersBelow(join(root, entry.name)));
  return [...here, ...below].sort();
}
