/**
 * Tokenizers from the contents of their files: tokenizer.json (huggingface/tokenizers), vocab.json with merges.txt (GPT-2,
 * RoBERTa, GPT-1, CLIP), vocab.txt (BERT), SentencePiece `.model`, tiktoken ranks, GGUF. Nothing here reads a disk or the network.
 */
import { FormatError, TokenizerError } from '../errors.ts';
import { parseGgufMetadata } from '../formats/gguf-metadata.ts';
import { readSentencePieceModel } from '../formats/sentencepiece.ts';
import { flag } from './json-fields.ts';
import { tokenizerFromGguf } from './load-gguf.ts';
import { configsOf, type TokenizerExtras, tokenizerFromJson } from './load-json.ts';
import { tokenizerOfPieces } from './load-sentencepiece.ts';
import { tokenizerFromTiktoken } from './load-tiktoken.ts';
import { tokenizerFromVocabMerges, tokenizerFromVocabText } from './load-vocab.ts';
import { familyJson } from './sentencepiece-families.ts';
import type { Tokenizer } from './tokenizer.ts';

/** JSON text as a value. Throws TokenizerError. */
function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TokenizerError('a tokenizer file is not valid JSON', {
      seen: cause instanceof Error ? cause.message : String(cause),
      where,
      cause,
    });
  }
}

/** What makes a tokenizer, for messages. */
export const TOKENIZER_FILES = 'tokenizer.json, *.model, vocab.json and merges.txt, vocab.txt, *.tiktoken, or *.gguf';

/** Names of the files that `tokenizerFromFiles` can use, out of those of a folder. */
export function tokenizerFileNames(names: readonly string[]): string[] {
  const extras = ['tokenizer_config.json', 'special_tokens_map.json'].filter(name => names.includes(name));
  if (names.includes('tokenizer.json')) return ['tokenizer.json', ...extras];
  const model = names.find(name => name.endsWith('.model'));
  if (model) return [model, ...extras];
  if (names.includes('vocab.json') && names.includes('merges.txt')) return ['vocab.json', 'merges.txt', ...extras];
  if (names.includes('vocab.txt')) return ['vocab.txt', ...extras];
  const ranks = names.find(name => name.endsWith('.tiktoken'));
  if (ranks) return [ranks, ...extras];
  const gguf = names.find(name => name.endsWith('.gguf'));
  return gguf ? [gguf] : [];
}

/** Rank files are text; a SentencePiece model begins with the key of its first piece. */
const isRankFile = (bytes: Uint8Array) =>
  bytes[0] !== 0x0a && /^[A-Za-z0-9+/]+=* \d+\r?\n/.test(new TextDecoder().decode(bytes.subarray(0, 200)));

/**
 * A tokenizer from the files of a model folder, by name: `tokenizer.json`, else `*.model` (SentencePiece or Llama 3's ranks),
 * else `vocab.json` and `merges.txt`, else `vocab.txt`, else `*.tiktoken`, else `*.gguf`; with `tokenizer_config.json` and `special_tokens_map.json` if they
 * are there. Throws TokenizerError, FormatError, UnsupportedError.
 */
export function tokenizerFromFiles(files: Readonly<Record<string, Uint8Array | string>>): Tokenizer {
  const text = (name: string): string => {
    const content = files[name]!;
    return typeof content === 'string' ? content : new TextDecoder('utf-8').decode(content);
  };
  const json = (name: string): unknown => (Object.hasOwn(files, name) ? parseJson(text(name), name) : undefined);
  const [main] = tokenizerFileNames(Object.keys(files));
  const config = json('tokenizer_config.json');
  const extras: TokenizerExtras = { config, specialTokensMap: json('special_tokens_map.json') };
  if (main === undefined) {
    throw new TokenizerError('no tokenizer among the files', {
      seen: Object.keys(files).slice(0, 20).join(', ') || 'no files',
      expected: TOKENIZER_FILES,
    });
  }
  if (main === 'tokenizer.json') return tokenizerFromJson(json(main), extras);
  if (main === 'vocab.json') return tokenizerFromVocabMerges(json(main), text('merges.txt'), extras);
  if (main === 'vocab.txt') return tokenizerFromVocabText(text(main), extras);
  const content = files[main]!;
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  if (main.endsWith('.gguf')) {
    const metadata = parseGgufMetadata(bytes, bytes.length, main);
    if (metadata) return tokenizerFromGguf(metadata);
    throw new FormatError('the file ends within its metadata', { seen: `${bytes.length} bytes`, where: main });
  }
  if (main.endsWith('.tiktoken') || isRankFile(bytes)) return tokenizerFromTiktoken(bytes);
  const [settings = {}] = configsOf({ config });
  const model = readSentencePieceModel(bytes);
  const family = familyJson(model, settings);
  if (family) return tokenizerFromJson(family, extras);
  return tokenizerOfPieces(model, {
    addBos: flag(settings, 'add_bos_token', true, 'tokenizer_config.json'),
    addEos: flag(settings, 'add_eos_token', false, 'tokenizer_config.json'),
    legacy: flag(settings, 'legacy', true, 'tokenizer_config.json'),
  });
}
