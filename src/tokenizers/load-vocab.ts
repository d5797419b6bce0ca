/**
 * Tokenizers from plain vocabulary files: vocab.json with merges.txt (GPT-2, RoBERTa, GPT-1, CLIP) and vocab.txt (BERT). The
 * files say nothing but the vocabulary; the rest is what the families do.
 */
import { type AddedToken, parseAddedTokens, specialToken } from './added-tokens.ts';
import { asCount, asObject, flag, isObject, type JsonObject } from './json-fields.ts';
import { configsOf, type TokenizerExtras, tokenizerFromJson } from './load-json.ts';
import { tokenContent } from './special-tokens.ts';
import type { Tokenizer } from './tokenizer.ts';

/** The lines of a merges.txt. */
function mergeLines(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version')));
}

/** `added_tokens_decoder` of a tokenizer_config.json: id -> token. */
function configuredTokens(config: JsonObject): AddedToken[] {
  const decoder = config.added_tokens_decoder;
  if (!isObject(decoder)) return [];
  return parseAddedTokens(
    Object.entries(decoder).map(([id, token]) => ({
      ...asObject(token, `added_tokens_decoder.${id}`),
      id: Number(id),
    })),
    'added_tokens_decoder',
  );
}

/** The added tokens as tokenizer.json has them: those of the configuration, else `usual` ones that the vocabulary has. */
function addedTokens(config: JsonObject, vocab: JsonObject, usual: readonly string[]): object[] {
  const configured = configuredTokens(config);
  const added =
    configured.length > 0
      ? configured
      : usual
          .filter(content => Object.hasOwn(vocab, content))
          .map(content => specialToken(content, asCount(vocab[content], `vocab.${content}`)));
  return added.map(({ singleWord, ...token }) => ({ ...token, single_word: singleWord }));
}

const CONFIG = 'tokenizer_config.json';
const END_OF_WORD = '</w>';

/** A family's tokenizer.json without model, from its vocabulary and tokenizer_config.json. */
type Form = (vocab: JsonObject, config: JsonObject) => JsonObject;

const gpt2: Form = (vocab, config) => ({
  added_tokens: addedTokens(config, vocab, ['<|endoftext|>']),
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: flag(config, 'add_prefix_space', false, CONFIG) },
  post_processor: { type: 'ByteLevel', trim_offsets: false },
  decoder: { type: 'ByteLevel' },
  model: {},
});

const roberta: Form = (vocab, config) => {
  const addPrefixSpace = flag(config, 'add_prefix_space', false, CONFIG);
  const added = addedTokens(config, vocab, ['<s>', '<pad>', '</s>', '<unk>', '<mask>']);
  return {
    // The mask takes the space before it.
    added_tokens: added.map(token =>
      'content' in token && token.content === '<mask>' ? { ...token, lstrip: true } : token,
    ),
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: addPrefixSpace },
    post_processor: {
      type: 'RobertaProcessing',
      cls: ['<s>', vocab['<s>']],
      sep: ['</s>', vocab['</s>']],
      add_prefix_space: addPrefixSpace,
    },
    decoder: { type: 'ByteLevel' },
    model: {},
  };
};

/** Radford et al. 2018: BERT's words in lower case. */
const gpt1: Form = (vocab, config) => {
  const unknown = tokenContent(config.unk_token) ?? '<unk>';
  return {
    added_tokens: addedTokens(config, vocab, [unknown]),
    normalizer: { type: 'BertNormalizer', lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    decoder: { type: 'BPEDecoder', suffix: END_OF_WORD },
    model: { end_of_word_suffix: END_OF_WORD, ...(Object.hasOwn(vocab, unknown) && { unk_token: unknown }) },
  };
};

/** Radford et al. 2021 (openai/CLIP simple_tokenizer.py): bytes in lower case, words that end in `</w>`. */
const clip: Form = (vocab, config) => ({
  added_tokens: addedTokens(config, vocab, ['<|startoftext|>', '<|endoftext|>']),
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'NFC' },
      { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
      { type: 'Lowercase' },
    ],
  },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      {
        type: 'Split',
        pattern: { Regex: "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" },
        behavior: 'Removed',
        invert: true,
      },
      { type: 'ByteLevel', add_prefix_space: false },
    ],
  },
  post_processor: {
    type: 'RobertaProcessing',
    cls: ['<|startoftext|>', vocab['<|startoftext|>']],
    sep: ['<|endoftext|>', vocab['<|endoftext|>']],
    trim_offsets: false,
    add_prefix_space: false,
  },
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'ByteLevel' },
      { type: 'Replace', pattern: { String: END_OF_WORD }, content: ' ' },
      { type: 'Strip', content: ' ', start: 0, stop: 1 },
    ],
  },
  model: { end_of_word_suffix: END_OF_WORD, unk_token: '<|endoftext|>' },
});

/** The family that a vocabulary is of, by its special tokens and by how words end. */
function formOf(vocab: JsonObject): Form {
  const has = (token: string) => Object.hasOwn(vocab, token);
  if (Object.keys(vocab).some(token => token.endsWith(END_OF_WORD)))
    return has('<|startoftext|>') && has('<|endoftext|>') ? clip : gpt1;
  return has('<s>') && has('</s>') && vocab['<s>'] !== vocab['</s>'] ? roberta : gpt2;
}

/**
 * A BPE tokenizer from a parsed vocab.json and the text of merges.txt: byte-level in GPT-2's form, or RoBERTa's
 * (`<s> A </s>`) if the vocabulary has its tokens; GPT-1's or CLIP's if its words end in `</w>`. Throws TokenizerError.
 */
export function tokenizerFromVocabMerges(vocab: unknown, merges: string, extras: TokenizerExtras = {}): Tokenizer {
  const entries = asObject(vocab, 'vocab.json');
  const [config = {}] = configsOf(extras);
  const form = formOf(entries)(entries, config);
  const model = { type: 'BPE', vocab: entries, merges: mergeLines(merges), ...asObject(form.model, 'model') };
  return tokenizerFromJson({ ...form, model }, extras);
}

/** The entries of a vocab.txt by their lines. Of an entry that is there twice the later line counts, as in the reference. */
function vocabFromLines(text: string): Record<string, number> {
  const lines = text.split(/\r?\n/);
  return Object.fromEntries(lines.map((line, id) => [line, id] as const).filter(([line]) => line !== ''));
}

/**
 * A WordPiece tokenizer from the text of BERT's vocab.txt, one entry per line. tokenizer_config.json says how texts are
 * normalized (`do_lower_case`, `strip_accents`, `tokenize_chinese_chars`). Where it does not, a vocabulary with capital
 * letters is taken as cased: in lower-cased text no such entry could ever be found. Throws TokenizerError.
 */
export function tokenizerFromVocabText(text: string, extras: TokenizerExtras = {}): Tokenizer {
  const vocab = vocabFromLines(text);
  const [config = {}] = configsOf(extras);
  const nameOf = (role: string, usual: string) => tokenContent(config[`${role}_token`]) ?? usual;
  const [unk, sep, pad] = [nameOf('unk', '[UNK]'), nameOf('sep', '[SEP]'), nameOf('pad', '[PAD]')];
  const [cls, mask] = [nameOf('cls', '[CLS]'), nameOf('mask', '[MASK]')];
  const cased = Object.keys(vocab).some(token => /[A-Z]/.test(token) && !/^\[.*\]$/.test(token));
  const surrounds = Object.hasOwn(vocab, cls) && Object.hasOwn(vocab, sep);
  return tokenizerFromJson(
    {
      added_tokens: addedTokens(config, vocab, [pad, unk, cls, sep, mask]),
      normalizer: {
        type: 'BertNormalizer',
        lowercase: flag(config, 'do_lower_case', !cased, CONFIG),
        strip_accents: config.strip_accents,
        handle_chinese_chars: config.tokenize_chinese_chars,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      ...(surrounds && { post_processor: { type: 'BertProcessing', cls: [cls, vocab[cls]], sep: [sep, vocab[sep]] } }),
      decoder: { type: 'WordPiece' },
      model: { type: 'WordPiece', vocab, unk_token: unk },
    },
    extras,
  );
}
