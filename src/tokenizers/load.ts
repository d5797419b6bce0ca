/**
 * Tokenizers from the contents of their files: tokenizer.json (huggingface/tokenizers), vocab.json with merges.txt (GPT-2,
 * RoBERTa, GPT-1, CLIP), vocab.txt (BERT), SentencePiece `.model`, tiktoken ranks, GGUF. Nothing here reads a disk or the network.
 */
import { FormatError, TokenizerError } from '../errors.ts';
import { parseGgufMetadata } from '../formats/gguf-metadata.ts';
import { readSentencePieceModel } from '../formats/sentencepiece.ts';
import { asObject, flag, type JsonObject, optionalString } from './json-fields.ts';
import { tokenizerFromGguf } from './load-gguf.ts';
import { configsOf, type TokenizerExtras, tokenizerFromJson } from './load-json.ts';
import { tokenizerFromM2m100, tokenizerFromMarian } from './load-piece-vocab.ts';
import { tokenizerOfPieces } from './load-sentencepiece.ts';
import { tokenizerFromTiktoken } from './load-tiktoken.ts';
import { tokenizerFromVocabMerges, tokenizerFromVocabText } from './load-vocab.ts';
import { familyJson, withLanguageTemplate } from './sentencepiece-families.ts';
import type { Tokenizer } from './tokenizer.ts';
import { parseTokenizerJson } from './tokenizer-json.ts';

/** JSON text as a value. Throws TokenizerError. */
function parseJson(text: string, where: string): unknown {
  try {
    return where === 'tokenizer.json' ? parseTokenizerJson(text) : JSON.parse(text);
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

const BPE_MODEL = 'sentencepiece.bpe.model';
/** The class whose pieces have their ids in a vocab.json, also where no class is named. */
const M2M100 = 'M2M100Tokenizer';
/** The usual names of SentencePiece models. */
export const USUAL_MODELS: readonly string[] = ['tokenizer.model', 'spiece.model', BPE_MODEL, 'spm.model'];
/** One SentencePiece model for each language, and the ids of the pieces of both. */
const MARIAN_FILES: readonly string[] = ['source.spm', 'target.spm', 'vocab.json'];

/** Which texts a tokenizer of a translation model is for. */
export interface LanguageOptions {
  /** Their language, by the codes of the model; default `src_lang` of tokenizer_config.json, for targets its `tgt_lang`. */
  readonly language?: string;
  /** Whether they are translations (labels of training) and no sources; default false. */
  readonly target?: boolean;
}

/** The configuration with the language of the texts as `src_lang`, where the class has codes in front of its texts. */
function withLanguage(config: JsonObject, { language, target = false }: LanguageOptions): JsonObject {
  const chosen = language ?? (target ? optionalString(config, 'tgt_lang', 'tokenizer_config.json') : undefined);
  return chosen === undefined ? config : { ...config, src_lang: chosen };
}

/** Names of the files that `tokenizerFromFiles` can use, out of those of a folder. */
export function tokenizerFileNames(names: readonly string[]): string[] {
  const extras = ['tokenizer_config.json', 'special_tokens_map.json'].filter(name => names.includes(name));
  if (names.includes('tokenizer.json')) return ['tokenizer.json', ...extras];
  const model = USUAL_MODELS.find(name => names.includes(name)) ?? names.find(name => name.endsWith('.model'));
  const has = (list: readonly string[]) => list.filter(name => names.includes(name));
  if (model === BPE_MODEL) return [model, ...has(['vocab.json']), ...extras];
  if (model) return [model, ...extras];
  if (MARIAN_FILES.every(name => names.includes(name)))
    return [...MARIAN_FILES, ...has(['target_vocab.json']), ...extras];
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
 * else `source.spm` with `target.spm` and `vocab.json`, else `vocab.json` and `merges.txt`, else `vocab.txt`, else
 * `*.tiktoken`, else `*.gguf`; with `tokenizer_config.json` and `special_tokens_map.json` if they are there. Throws TokenizerError, FormatError, UnsupportedError.
 */
export function tokenizerFromFiles(
  files: Readonly<Record<string, Uint8Array | string>>,
  options: LanguageOptions = {},
): Tokenizer {
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
  const [given = {}] = configsOf({ config });
  const settings = withLanguage(given, options);
  if (main === 'tokenizer.json')
    return tokenizerFromJson(withLanguageTemplate(asObject(json(main), main), settings), extras);
  if (main === 'vocab.json') return tokenizerFromVocabMerges(json(main), text('merges.txt'), extras);
  if (main === 'vocab.txt') return tokenizerFromVocabText(text(main), extras);
  const binary = (name: string): Uint8Array => {
    const content = files[name]!;
    return typeof content === 'string' ? new TextEncoder().encode(content) : content;
  };
  if (main === 'source.spm') {
    const [source, target] = [binary('source.spm'), binary('target.spm')];
    const vocabs = { vocab: json('vocab.json'), targetVocab: json('target_vocab.json') };
    return tokenizerFromMarian({ source, target, ...vocabs }, given, options.target);
  }
  const bytes = binary(main);
  if (main.endsWith('.gguf')) {
    const metadata = parseGgufMetadata(bytes, bytes.length, main);
    if (metadata) return tokenizerFromGguf(metadata);
    throw new FormatError('the file ends within its metadata', { seen: `${bytes.length} bytes`, where: main });
  }
  if (main.endsWith('.tiktoken') || isRankFile(bytes)) return tokenizerFromTiktoken(bytes);
  const vocab = main === BPE_MODEL ? json('vocab.json') : undefined;
  if ((settings.tokenizer_class ?? M2M100) === M2M100 && vocab) return tokenizerFromM2m100(bytes, vocab, settings);
  const model = readSentencePieceModel(bytes);
  const family = familyJson(model, settings);
  if (family) return tokenizerFromJson(family, extras);
  return tokenizerOfPieces(model, {
    addBos: flag(settings, 'add_bos_token', true, 'tokenizer_config.json'),
    addEos: flag(settings, 'add_eos_token', false, 'tokenizer_config.json'),
    legacy: flag(settings, 'legacy', true, 'tokenizer_config.json'),
  });
}
