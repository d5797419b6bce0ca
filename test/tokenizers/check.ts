/** Compares tokenizers with the expected outputs that lie beside their files: the engine of the runner and of the test. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UnsupportedError } from '../../src/errors.ts';
import {
  codePointIndex,
  type EncodeOptions,
  type Encoding,
  type Tokenizer,
  tokenizerFromFiles,
  tokenizerFromTiktoken,
  tokenizerFromVocabMerges,
  tokenizerFromVocabText,
} from '../../src/tokenizers/index.ts';
import { checkPairs, PLAIN, seenByReference } from './check-pairs.ts';
import { type CheckResult, Report, readJson } from './report.ts';

interface Expected {
  readonly id: string;
  readonly text: string;
  readonly ids: number[];
  readonly ids_special?: number[];
  readonly ids_plain?: number[];
  readonly ids_sentencepiece?: number[];
  readonly sentencepiece?: string;
  readonly differs_in?: string[];
  readonly tokens?: string[];
  readonly token_bytes_hex?: string[];
  readonly offsets?: [number, number][];
  readonly decoded: string;
  readonly decoded_skip?: string;
  readonly encoded?: { ids: number[]; type_ids: number[]; attention_mask: number[]; overflow: number[][] };
}

interface PublishedCase {
  readonly name?: string;
  readonly text: string;
  readonly text_pair?: string;
  readonly tokens?: string[];
  readonly ids: number[];
  readonly decoded?: string;
}

/** Special tokens in the text are text. */
const AS_TEXT: EncodeOptions = { addSpecialTokens: false, parseSpecialTokens: false };

/** Offsets in code points, as the reference counts them. */
function codePointOffsets(text: string, offsets: readonly (readonly [number, number])[]): [number, number][] {
  const index = codePointIndex(text);
  return offsets.map(([start, end]) => [index[start]!, index[end]!]);
}

/** A format of a folder: its name, how to load it, and what its reference is. */
interface Format {
  readonly name: string;
  readonly load: () => Tokenizer;
  /**
   * `file`: the folder's expected.json; `sentencepiece`: the library on the bare model; `ranks`: tiktoken; `gguf`: llama.cpp.
   */
  readonly reference: 'file' | 'sentencepiece' | 'ranks' | 'gguf';
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

/** How texts are normalized for a vocab.txt without a tokenizer_config.json, where that is not left to the vocabulary. */
function ownNormalization(folder: string): object {
  const json = readJson<{ normalizer: { strip_accents: boolean | null } }>(folder, 'tokenizer.json');
  return readJson<object>(folder, 'tokenizer_config.json') ?? { strip_accents: json?.normalizer.strip_accents };
}

/**
 * The tokenizer_config.json that `.model` files of families lie beside where they are published, as far as it matters. The
 * tokenizer.json files of t5-small and albert are older than the present rules of their families.
 */
const FAMILIES: Readonly<Record<string, object>> = {
  't5-style': { tokenizer_class: 'T5Tokenizer', extra_ids: 20 },
  'deberta-v3': { tokenizer_class: 'DebertaV2Tokenizer' },
  'deberta-v3-style': { tokenizer_class: 'DebertaV2Tokenizer' },
  'xlmr-style': { tokenizer_class: 'XLMRobertaTokenizer' },
  'albert-style': { tokenizer_class: 'AlbertTokenizer' },
};

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
  if (names.includes('vocab.txt')) {
    const load = () =>
      tokenizerFromVocabText(readFileSync(join(folder, 'vocab.txt'), 'utf8'), { config: ownNormalization(folder) });
    formats.push({ name: 'vocab.txt', load, reference: 'file' });
  }
  for (const name of names.filter(entry => entry.endsWith('.model'))) {
    const isRanks = bytes(name)[0] !== 0x0a;
    formats.push({
      name,
      load: () => tokenizerFromFiles({ [name]: bytes(name) }),
      reference: isRanks ? 'ranks' : 'sentencepiece',
    });
    const family = FAMILIES[basename(folder)];
    if (family) {
      const load = () => tokenizerFromFiles({ [name]: bytes(name), 'tokenizer_config.json': JSON.stringify(family) });
      formats.push({ name: `${name} + tokenizer_config.json`, load, reference: 'file' });
    }
  }
  for (const name of names.filter(entry => entry.endsWith('.gguf'))) {
    formats.push({ name, load: () => tokenizerFromFiles({ [name]: bytes(name) }), reference: 'gguf' });
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
    if (expected.tokens) {
      // Unknown text is given as itself, by files that were made from the ids as the unknown token, and beside a
      // tokenizer.json as its library normalizes it.
      const byId = expected.tokens.every((token, i) => token === tokenizer.idToToken(ids[i]!));
      const compared = (tokens: readonly string[] = []) =>
        alone && !byId ? tokens : tokens.filter((_, i) => ids[i] !== tokenizer.model.unknownId);
      report.same('tokens', id, () => compared(encoding?.tokens), compared(expected.tokens));
    }
    // Beside a tokenizer.json the offsets are those of its library, which places the first space mark differently.
    if (expected.offsets && alone)
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

/** llama.cpp leaves things out that others do, so texts where it is known to differ are not compared. */
function checkGguf(report: Report, tokenizer: Tokenizer, cases: readonly Expected[], alone: boolean): void {
  for (const { id, text, ...expected } of cases) {
    if (expected.differs_in?.includes('llama.cpp')) continue;
    report.same('ids', id, () => tokenizer.encodeIds(text, PLAIN), expected.ids);
    report.same('encode = encodeIds', id, () => tokenizer.encode(text, PLAIN).ids, expected.ids);
    if (expected.ids_plain) report.same('ids_plain', id, () => tokenizer.encodeIds(text, AS_TEXT), expected.ids_plain);
    if (alone) report.same('decoded', id, () => tokenizer.decode(expected.ids), expected.decoded);
    report.same('streamed', id, () => streamed(tokenizer, expected.ids), tokenizer.decode(expected.ids));
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

function checkPublished(report: Report, tokenizer: Tokenizer, folder: string, format: Format): void {
  // llama.cpp's lists have no added tokens and take special tokens as text; the other two have the model's own ones, which
  // a rank file does not name.
  const own: EncodeOptions = format.reference === 'ranks' ? PLAIN : {};
  for (const { text, ids } of readJson<PublishedCase[]>(folder, 'cases-llamacpp.json') ?? []) {
    report.same('cases-llamacpp', JSON.stringify(text.slice(0, 30)), () => tokenizer.encodeIds(text, AS_TEXT), ids);
  }
  // A model file or a vocabulary alone does not say which tokens its family puts around a text.
  const bare = format.reference === 'gguf' || (format.reference === 'sentencepiece' && tokenizer.model.type !== 'BPE');
  for (const test of bare ? [] : (readJson<PublishedCase[]>(folder, 'cases-hf.json') ?? [])) {
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
    else if (format.reference === 'gguf') checkGguf(report, tokenizer, cases, formats.length === 1);
    else checkSentencePiece(report, tokenizer, cases, formats.length === 1);
    if (format.reference === 'file' || format.reference === 'ranks') checkPairs(report, tokenizer, folder);
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
