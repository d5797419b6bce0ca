/**
 * A tokenizer as the keys of a GGUF file say it (`tokenizer.ggml.*`): the other direction of `load-gguf.ts`, which reads what is
 * written here. The keys hold a vocabulary and name a rule; what they cannot say is told by comparing both on texts. Source of the
 * keys: ggml-org/ggml docs/gguf.md and ggml-org/llama.cpp's converter.
 */
import { UnsupportedError } from '../errors.ts';
import type { GgufMetadataToWrite, GgufValue, GgufValueToWrite } from '../formats/index.ts';
import { readSentencePieceModel, type SentencePieceModel } from '../formats/sentencepiece.ts';
import { parseAddedTokens } from './added-tokens.ts';
import { asList, asObject, asString, isObject, type JsonObject } from './json-fields.ts';
import { tokenizerFileNames, tokenizerFromFiles } from './load.ts';
import { RULES, tokenizerFromGguf } from './load-gguf.ts';
import { familyJson } from './sentencepiece-families.ts';
import { scannerFor } from './split-patterns.ts';
import type { Tokenizer } from './tokenizer.ts';

/** What kind of token it is, by the numbers of the format. */
const TYPE = { normal: 1, unknown: 2, control: 3, user_defined: 4, unused: 5, byte: 6 } as const;

interface Vocab {
  readonly model: 'gpt2' | 'llama' | 't5' | 'bert';
  /** The vocabulary; places without a token are `undefined`. */
  readonly tokens: (string | undefined)[];
  readonly types: number[];
  readonly scores?: number[];
  readonly merges?: readonly string[];
  readonly more?: Readonly<Record<string, GgufValueToWrite>>;
}

export interface GgufVocabulary {
  readonly metadata: GgufMetadataToWrite;
  /** Texts that the written vocabulary cuts otherwise than the tokenizer does. */
  readonly differing: readonly string[];
}

/**
 * @param files of a tokenizer, as `tokenizerFromFiles` takes them
 * @param size rows of the model's embedding table, which is how many tokens the file lists
 * @param ends ids that end a generation, where the model says so
 * @throws UnsupportedError for a kind of tokenizer, or a rule of splitting, that such files do not know; what
 * `tokenizerFromFiles` throws
 */
export function ggufVocabulary(
  files: Readonly<Record<string, Uint8Array | string>>,
  size: number,
  ends: readonly number[] = [],
): GgufVocabulary {
  const tokenizer = tokenizerFromFiles(files);
  const vocab = vocabOf(files, tokenizer);
  const { special, plain } = { special: tokenizer.specialTokens, plain: tokenizer.encodeIds(PROBES[0]!, BARE) };
  const full = tokenizer.encodeIds(PROBES[0]!);
  const [bos, eos] = [special.bos ?? special.cls, special.eos ?? special.sep ?? ends[0]];
  const others = ends.filter(id => id !== eos);
  const ids = {
    ...{ bos, eos, unknown: special.unk, padding: special.pad, cls: special.cls, mask: special.mask },
    // The format has spelled it so from the beginning.
    ...{ seperator: special.sep, eot: others[0], eom: others[1] },
  };
  const tokens = Array.from({ length: size }, (_, id) => vocab.tokens[id] ?? `[PAD${id}]`);
  const values: Record<string, GgufValueToWrite | undefined> = {
    model: vocab.model,
    pre: vocab.model === 'gpt2' ? undefined : 'default',
    tokens,
    scores: vocab.scores && Float32Array.from(tokens, (_, id) => vocab.scores![id] ?? 0),
    token_type: Int32Array.from(tokens, (_, id) => (vocab.tokens[id] === undefined ? TYPE.unused : vocab.types[id]!)),
    // A model may have fewer rows than its tokenizer has tokens.
    merges: vocab.tokens.length > size ? vocab.merges?.filter(knownTo(new Set(tokens))) : vocab.merges,
    ...Object.fromEntries(
      Object.entries(ids).map(([role, id]) => [
        `${role}_token_id`,
        id === undefined || id >= size ? undefined : ({ type: 'U32', value: id } as const),
      ]),
    ),
    add_bos_token: bos !== undefined && full[0] === bos && plain[0] !== bos,
    add_eos_token: eos !== undefined && full.at(-1) === eos && plain.at(-1) !== eos,
    ...(vocab.scores && { add_space_prefix: tokenizer.idToToken(plain[0] ?? -1)?.startsWith('▁') ?? false }),
    ...vocab.more,
  };
  const metadata = {
    ...Object.fromEntries(
      Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[`tokenizer.ggml.${key}`, value]])),
    ),
    ...chatTemplates(files),
  };
  return { metadata, differing: differing(tokenizer, metadata) };
}

/** Merges of tokens of a set. */
const knownTo = (tokens: ReadonlySet<string>) => (merge: string) => {
  const pair = merge.split(' ');
  return [...pair, pair.join('')].every(token => tokens.has(token));
};

const BARE = { addSpecialTokens: false } as const;
/** Words, scripts, numbers, code, spaces: what rules of splitting and normalizing differ in. */
const PROBES: readonly string[] = [
  'a',
  "Once upon a time, there was a little girl who didn't like 12345 apples.",
  '  two spaces\n\n\tand a tab; (brackets) [and] {more} don’t — “quotes”…',
  'Der Hund jagt die Katze über 3,14 Brücken. ÄÖÜ ß',
  'const x = [1, 2, 3].map(n => n ** 2); // 0xFF\r\n',
  'Ελληνικά русский 中文字符 日本語 العربية हिन्दी 👩‍💻 🎉',
  "CAPITALS WE'LL it's I'M 1st 2nd http://example.org/a?b=c&d=%20",
];

function differing(tokenizer: Tokenizer, metadata: GgufMetadataToWrite): string[] {
  const again = tokenizerFromGguf({ values: new Map(Object.entries(metadata).map(([k, v]) => [k, read(v)])) });
  return PROBES.filter(text => `${again.encodeIds(text)}` !== `${tokenizer.encodeIds(text)}`);
}
/** A value as reading gives it. */
const read = (value: GgufValueToWrite): GgufValue =>
  isObject(value) && 'type' in value ? (value.value as number) : (value as GgufValue);

function vocabOf(files: Readonly<Record<string, Uint8Array | string>>, tokenizer: Tokenizer): Vocab {
  const [main = ''] = tokenizerFileNames(Object.keys(files));
  const text = (name: string) => {
    const content = files[name]!;
    return typeof content === 'string' ? content : new TextDecoder().decode(content);
  };
  const special = [...tokenizer.allSpecialIds].map(id => ({ id, content: tokenizer.idToToken(id), special: true }));
  if (main === 'tokenizer.json') return ofJson(asObject(JSON.parse(text(main)), main));
  if (main === 'vocab.json' && 'merges.txt' in files)
    return ofJson({
      added_tokens: special,
      pre_tokenizer: { type: 'ByteLevel' },
      model: {
        type: 'BPE',
        vocab: JSON.parse(text(main)),
        merges: text('merges.txt')
          .split(/\r?\n/)
          .filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version'))),
      },
    });
  if (main === 'vocab.txt') {
    const words = text(main)
      .replace(/\r?\n$/, '')
      .split(/\r?\n/);
    const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
    return ofJson({ added_tokens: special, model: { type: 'WordPiece', vocab } });
  }
  const bytes = files[main];
  // The first field of a SentencePiece model is a piece; Llama 3 has ranks in a file of that name.
  if (!main.endsWith('.model') || !(bytes instanceof Uint8Array) || bytes[0] !== 0x0a)
    throw unsupported('this form of a tokenizer', main || 'no tokenizer');
  const model = readSentencePieceModel(bytes);
  const config: unknown = 'tokenizer_config.json' in files ? JSON.parse(text('tokenizer_config.json')) : {};
  const json = isObject(config) ? familyJson(model, config) : undefined;
  return json ? ofJson(json) : ofPieces(model);
}

const unsupported = (what: string, seen: string) =>
  new UnsupportedError(`GGUF files do not know ${what}`, {
    seen,
    expected: 'byte-level BPE, SentencePiece (BPE or Unigram) or WordPiece',
  });

function ofPieces({ pieces, algorithm, normalizer }: SentencePieceModel): Vocab {
  if (algorithm !== 'bpe' && algorithm !== 'unigram') throw unsupported('this kind of SentencePiece model', algorithm);
  return {
    model: algorithm === 'bpe' ? 'llama' : 't5',
    tokens: pieces.map(({ piece }) => piece),
    types: pieces.map(({ type }) => TYPE[type]),
    scores: pieces.map(({ score }) => score),
    more: {
      remove_extra_whitespaces: normalizer.removeExtraWhitespaces,
      ...(normalizer.charsmap.length > 0 && { precompiled_charsmap: normalizer.charsmap }),
    },
  };
}

function ofJson(json: JsonObject): Vocab {
  const model = asObject(json.model, 'model');
  // Old files do not say.
  const usual = Array.isArray(model.vocab) ? 'Unigram' : model.merges ? 'BPE' : 'WordPiece';
  const parts = asString(model.type ?? usual, 'model.type');
  const entries = Array.isArray(model.vocab)
    ? model.vocab.map((entry, id) => [String((entry as unknown[])[0]), id] as const)
    : Object.entries(asObject(model.vocab, 'model.vocab')).map(([token, id]) => [token, Number(id)] as const);
  const tokens: (string | undefined)[] = [];
  const types: number[] = [];
  const put = (token: string, id: number, type: keyof typeof TYPE) => {
    tokens[id] = token;
    types[id] = TYPE[type];
  };
  const bytes = model.byte_fallback === true;
  for (const [token, id] of entries) put(token, id, bytes && /^<0x[0-9A-F]{2}>$/.test(token) ? 'byte' : 'normal');
  for (const { id, content, special } of parseAddedTokens(json.added_tokens))
    put(content, id, special ? 'control' : 'user_defined');
  const unknown = typeof model.unk_id === 'number' ? model.unk_id : tokens.indexOf(String(model.unk_token));
  if (unknown >= 0) types[unknown] = TYPE.unknown;
  const vocab = { tokens, types };
  if (parts === 'Unigram') return { ...vocab, model: 't5', ...unigramParts(json, model) };
  if (parts === 'WordPiece') {
    // The file marks where words begin, and not where they go on.
    const word = (token: string) => (token.startsWith('##') ? token.slice(2) : `▁${token}`);
    const plain = (token: string, id: number) => types[id] === TYPE.normal && !/^\[.*\]$/.test(token);
    return {
      ...vocab,
      model: 'bert',
      tokens: tokens.map((token, id) => (token && plain(token, id) ? word(token) : token)),
    };
  }
  if (parts !== 'BPE') throw unsupported('this kind of tokenizer', parts);
  const merges = asList(model.merges, 'model.merges').map(merge =>
    Array.isArray(merge) ? (merge as [string, string]) : (String(merge).split(' ') as [string, string]),
  );
  if (bytes) return { ...vocab, model: 'llama', scores: scoresOf(tokens, merges) };
  return { ...vocab, model: 'gpt2', merges: merges.map(pair => pair.join(' ')), more: { pre: ruleOf(json) } };
}

/** A merge is preferred by the score of what it makes: the earlier the higher. */
function scoresOf(tokens: readonly (string | undefined)[], merges: readonly (readonly string[])[]): number[] {
  const ranks = new Map<string, number>();
  for (const [rank, pair] of merges.entries()) {
    const made = pair.join('');
    if (!ranks.has(made)) ranks.set(made, rank);
  }
  return tokens.map((token, id) => -(ranks.get(token ?? '') ?? merges.length + id));
}

function unigramParts(json: JsonObject, model: JsonObject): Pick<Vocab, 'scores' | 'more'> {
  const parts = [json.normalizer].flatMap(normalizer =>
    isObject(normalizer) && Array.isArray(normalizer.normalizers) ? normalizer.normalizers : [normalizer],
  );
  const find = (holds: (part: JsonObject) => boolean) => parts.filter(isObject).find(holds);
  const charsmap = find(part => part.type === 'Precompiled')?.precompiled_charsmap;
  const spaces = find(part => part.type === 'Replace' && JSON.stringify(part.pattern) === '{"Regex":" {2,}"}');
  return {
    scores: asList(model.vocab, 'model.vocab').map(entry => Number((entry as unknown[])[1])),
    more: {
      remove_extra_whitespaces: spaces !== undefined,
      ...(typeof charsmap === 'string' && {
        precompiled_charsmap: Uint8Array.from(atob(charsmap), byte => byte.charCodeAt(0)),
      }),
    },
  };
}

/** Names of rules in the order in which one is chosen among those that cut alike. */
const PREFERRED = ['gpt-2', 'llama-bpe', 'qwen2', 'starcoder', 'gpt-4o', 'tekken'];

/** The name of the rule by which a byte-level tokenizer splits texts. Throws UnsupportedError. */
function ruleOf({ pre_tokenizer: given }: JsonObject): string {
  const steps = isObject(given) && Array.isArray(given.pretokenizers) ? given.pretokenizers : [given];
  const patterns = steps.filter(isObject).flatMap((step): string[] => {
    if (step.type === 'ByteLevel') return step.use_regex === false ? [] : RULES['gpt-2']!.slice();
    if (step.type === 'Digits') return step.individual_digits ? ['\\p{N}'] : ['\\p{N}+'];
    const pattern = isObject(step.pattern) ? (step.pattern.Regex ?? step.pattern.String) : undefined;
    return [typeof pattern === 'string' ? pattern : String(step.type)];
  });
  const alike = (a: string, b: string) => a === b || (scannerFor(a) !== undefined && scannerFor(a) === scannerFor(b));
  const found = [...PREFERRED, ...Object.keys(RULES)].find(name => {
    const rule = RULES[name]!;
    return rule.length === patterns.length && rule.every((pattern, i) => alike(pattern, patterns[i]!));
  });
  if (found) return found;
  throw unsupported('this rule of splitting texts', patterns.join(' then ').slice(0, 200));
}

/** The template of chats, and others by name, from the files that may hold them. */
function chatTemplates(files: Readonly<Record<string, Uint8Array | string>>): Record<string, GgufValueToWrite> {
  const text = (name: string) => {
    const content = Object.hasOwn(files, name) ? files[name] : undefined;
    return content instanceof Uint8Array ? new TextDecoder().decode(content) : content;
  };
  const config: unknown = JSON.parse(text('tokenizer_config.json') ?? '{}');
  const own = text('chat_template.jinja') ?? (isObject(config) ? config.chat_template : undefined);
  if (typeof own === 'string') return { 'tokenizer.chat_template': own };
  const named = (Array.isArray(own) ? own : []).filter(isObject).flatMap(({ name, template }) => {
    if (typeof name !== 'string' || typeof template !== 'string') return [];
    return [[name === 'default' ? '' : name, template] as const];
  });
  const others = named.flatMap(([name]) => (name ? [name] : []));
  return {
    ...Object.fromEntries(named.map(([name, template]) => [`tokenizer.chat_template${name && `.${name}`}`, template])),
    ...(others.length > 0 && { 'tokenizer.chat_templates': others }),
  };
}
