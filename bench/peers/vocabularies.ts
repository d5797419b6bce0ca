/** The vocabularies of the comparison, each in the forms that the peers read. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A vocabulary, as files. */
export interface PeerVocabulary {
  readonly name: string;
  /** What heed loads. */
  readonly file: string;
  /** The same as a tokenizer.json. */
  readonly json: string;
  /** The same by its name in gpt-tokenizer and in tiktoken. */
  readonly published?: { readonly gptTokenizer: string; readonly tiktoken: string };
}

const at = (path: string) => new URL(path, import.meta.url).pathname;
const SHARED = at('../../../shared/tokenizers');
const OWN = at('../../test/tokenizers/data');

/** Real vocabularies where they are at hand, else small ones of the repository. */
export function peerVocabularies(): { readonly vocabularies: PeerVocabulary[]; readonly cleanUp: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'heed-peers-'));
  const cleanUp = () => rmSync(folder, { recursive: true });
  const json = (name: string) => ({ name, file: `${name}/tokenizer.json`, json: `${name}/tokenizer.json` });
  const below = (root: string) => (name: string) => ({
    name,
    file: join(root, json(name).file),
    json: join(root, json(name).json),
  });
  if (!existsSync(SHARED))
    return { vocabularies: ['roberta-style', 'bert-uncased-style', 'xlmr-style'].map(below(OWN)), cleanUp };
  const shared = below(SHARED);
  const ranks = (name: string): PeerVocabulary => {
    const file = join(SHARED, name, `${name}.tiktoken`);
    const written = join(folder, `${name}.json`);
    writeFileSync(written, jsonOfRanks(readFileSync(file, 'utf8'), PATTERNS[name]!));
    return { name, file, json: written, published: { gptTokenizer: name, tiktoken: name } };
  };
  return {
    vocabularies: [
      { ...shared('gpt2'), published: { gptTokenizer: 'r50k_base', tiktoken: 'gpt2' } },
      ranks('cl100k_base'),
      ranks('o200k_base'),
      shared('bert-base-uncased'),
      shared('t5-small'),
      shared('deberta-v3'),
    ].filter(({ file }) => existsSync(file)),
    cleanUp,
  };
}

/** The split rules as the makers of the encodings publish them in tokenizer.json files. */
const PATTERNS: Readonly<Record<string, string>> = {
  cl100k_base:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  o200k_base: [
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    '\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
  ].join('|'),
};

/** The characters that stand for bytes in tokenizer.json files: themselves where they can be seen, else from U+0100 on. */
function byteCharacters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCharCode(visible ? byte : next++);
  });
}

/** A tokenizer.json with the merges that a file of ranks implies: each token is joined from what lower ranks leave of it. */
function jsonOfRanks(text: string, pattern: string): string {
  const characters = byteCharacters();
  const ranks = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [token, rank] = line.split(' ');
    if (rank !== undefined)
      ranks.set(Array.from(Buffer.from(token!, 'base64'), byte => characters[byte]!).join(''), Number(rank));
  }
  const merges: [string, string][] = [];
  for (const [token, own] of ranks) {
    const parts = [...token];
    while (parts.length > 2) {
      let [best, place] = [own, -1];
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = ranks.get(parts[i]! + parts[i + 1]!);
        if (rank !== undefined && rank < best) [best, place] = [rank, i];
      }
      if (place < 0) break;
      parts.splice(place, 2, parts[place]! + parts[place + 1]!);
    }
    if (parts.length === 2) merges.push([parts[0]!, parts[1]!]);
  }
  const byRank = ([left, right]: readonly [string, string]) => ranks.get(left + right)!;
  merges.sort((a, b) => byRank(a) - byRank(b));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  return JSON.stringify({
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [{ type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false }, byteLevel],
    },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: true,
      vocab: Object.fromEntries(ranks),
      merges: merges.map(pair => pair.join(' ')),
    },
  });
}
