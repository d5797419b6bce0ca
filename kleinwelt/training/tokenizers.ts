/**
 * The tokenizers of the bundled models, of the kinds that their families have: byte-level BPE for the models that write, WordPiece for
 * the encoder, BPE over pieces with a mark for spaces for the encoder-decoder. Nearly all words of Kleinwelt are one token each.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModelFiles, memoryFiles } from '../../src/hub/files.ts';
import { type TokenizerJson, trainTokenizer } from '../../src/tokenizers/train/index.ts';
import { VOCABULARY } from '../recipes/sizes.ts';

type Json = Readonly<Record<string, unknown>>;
interface TokenizerRecipe {
  readonly train: Parameters<typeof trainTokenizer>[1];
  /** tokenizer_config.json. */
  readonly settings: Json;
  /** What stands around a text. */
  readonly around?: { readonly single: readonly string[]; readonly pair: readonly string[] };
}

const sentinels = Array.from({ length: 32 }, (_, i) => `<extra_id_${i}>`);
export const END = '<|endoftext|>';
const WRITER = {
  train: {
    type: 'byte-bpe',
    vocabSize: VOCABULARY,
    // The mask is for the diffusion model, the sentinels for the edit model, so that all share one vocabulary.
    specialTokens: [END, '<|pad|>', '<|mask|>', ...sentinels],
  },
  settings: {
    tokenizer_class: 'PreTrainedTokenizerFast',
    ...{ bos_token: END, eos_token: END, pad_token: '<|pad|>', mask_token: '<|mask|>' },
  },
} as const;
/** Digits, brackets, quotes and the rest of ASCII: texts of Kleinwelt have few of them, but a user's text or an answer in JSON may. */
const PRINTABLE = Array.from({ length: 0x7f - 0x21 }, (_, i) => String.fromCharCode(0x21 + i));

export const TOKENIZERS = {
  /** GPT-2's kind. */
  writer: WRITER,
  /**
   * The same with a token before each text: on a canvas that is all masks, rotary positions tell places from each other only by
   * where another token stands, and without one rounding would make the first choice.
   */
  canvas: { ...WRITER, around: { single: [END, 'A'], pair: [END, 'A', 'B'] } },
  encoder: {
    train: {
      type: 'wordpiece',
      vocabSize: VOCABULARY,
      specialTokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'],
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: false,
        lowercase: false,
      },
    },
    settings: {
      tokenizer_class: 'BertTokenizerFast',
      do_lower_case: false,
      ...{ cls_token: '[CLS]', sep_token: '[SEP]', unk_token: '[UNK]', pad_token: '[PAD]', mask_token: '[MASK]' },
    },
    around: { single: ['[CLS]', 'A', '[SEP]'], pair: ['[CLS]', 'A', '[SEP]', 'B', '[SEP]'] },
  },
  translator: {
    train: {
      type: 'bpe',
      vocabSize: VOCABULARY,
      unknownToken: '<unk>',
      specialTokens: ['<pad>', '</s>', '<unk>', ...sentinels],
      initialAlphabet: PRINTABLE,
    },
    settings: { tokenizer_class: 'T5TokenizerFast', eos_token: '</s>', unk_token: '<unk>', pad_token: '<pad>' },
    around: { single: ['A', '</s>'], pair: ['A', '</s>', 'B', '</s>'] },
  },
} as const satisfies Readonly<Record<string, TokenizerRecipe>>;
export type TokenizerName = keyof typeof TOKENIZERS;

/** Learns a tokenizer from texts; gives the files of its folder by name. */
export async function tokenizerFiles(
  name: TokenizerName,
  texts: Iterable<string>,
): Promise<Readonly<Record<string, string>>> {
  const recipe: TokenizerRecipe = TOKENIZERS[name];
  const json = await trainTokenizer(texts, recipe.train);
  const whole = recipe.around ? { ...json, post_processor: template(json, recipe.around) } : json;
  return {
    'tokenizer.json': `${JSON.stringify(whole)}\n`,
    'tokenizer_config.json': `${JSON.stringify(recipe.settings, null, 2)}\n`,
  };
}

/** Vocabularies of several sizes: in small ones a word is its pieces, in large ones a token. */
export const VOCABULARY_SIZES = [400, 800, 1600, VOCABULARY] as const;
/** The files of the byte-level BPE of such a size. */
export async function sizedTokenizer(
  texts: Iterable<string>,
  vocabSize: number,
): Promise<Readonly<Record<string, string>>> {
  const { train, settings } = TOKENIZERS.writer;
  const json = await trainTokenizer(texts, { ...train, vocabSize, specialTokens: [END] });
  const { mask_token: _, pad_token: __, ...own } = settings;
  return {
    'tokenizer.json': `${JSON.stringify(json)}\n`,
    'tokenizer_config.json': `${JSON.stringify(own, null, 2)}\n`,
  };
}

export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

export function inMemory(files: Readonly<Record<string, string>>, name: string): ModelFiles {
  const encoder = new TextEncoder();
  return memoryFiles(
    Object.fromEntries(Object.entries(files).map(([file, text]) => [file, encoder.encode(text)])),
    name,
  );
}

/** `[CLS] A [SEP] B [SEP]` in the form of tokenizer.json. The second text and what follows it are of segment 1. */
function template(json: TokenizerJson, around: NonNullable<TokenizerRecipe['around']>): Json {
  const ids = new Map(json.added_tokens.map(token => [String(token.content), Number(token.id)]));
  const form = (parts: readonly string[]) => {
    const second = parts.indexOf('B');
    return parts.map((part, i) => {
      const type_id = second >= 0 && i >= second ? 1 : 0;
      return part === 'A' || part === 'B'
        ? { Sequence: { id: part, type_id } }
        : { SpecialToken: { id: part, type_id } };
    });
  };
  const used = [...new Set([...around.single, ...around.pair])].filter(part => ids.has(part));
  return {
    type: 'TemplateProcessing',
    single: form(around.single),
    pair: form(around.pair),
    special_tokens: Object.fromEntries(used.map(id => [id, { id, ids: [ids.get(id)!], tokens: [id] }])),
  };
}
