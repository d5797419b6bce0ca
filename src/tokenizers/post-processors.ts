/**
 * Post-processors: the tokens that a model wants around a text or a pair, and offsets without the spaces that byte-level
 * tokens begin with. Behaviour of the originals: huggingface/tokenizers src/processors.
 */
import { TokenizerError, UnsupportedError } from '../errors.ts';
import { appendEncoding, type Encoding, emptyEncoding, pushAdded } from './encoding.ts';
import { asCount, asList, asObject, asString, flag, type JsonObject, shown, typeOf } from './json-fields.ts';
import { widthAt } from './offsets.ts';

/** An item of a template: one of the texts, or fixed tokens. */
export type TemplateItem =
  | { readonly sequence: 0 | 1; readonly typeId: number }
  | { readonly ids: readonly number[]; readonly tokens: readonly string[]; readonly typeId: number };

/** What happens to the tokens of one or two texts. */
export interface PostProcessor {
  readonly single: readonly TemplateItem[];
  readonly pair: readonly TemplateItem[];
  /** The template gives its types to the first window of a text only; further ones keep 0 or 1, the number of their text. */
  readonly typesFirstWindow?: boolean;
  /** Offsets lose the white space at both ends of a token. */
  readonly trim: { readonly addPrefixSpace: boolean } | undefined;
}

const A: TemplateItem = { sequence: 0, typeId: 0 };

/** No added tokens; the second text has type 1. */
export const PLAIN: PostProcessor = { single: [A], pair: [A, { sequence: 1, typeId: 1 }], trim: undefined };

/** Number of tokens that a template adds. */
export function addedCount(template: readonly TemplateItem[]): number {
  return template.reduce((count, item) => count + ('ids' in item ? item.ids.length : 0), 0);
}

/**
 * The template filled with one window of each text; without `special` only the texts. Windows that are not among `typed`, where
 * that is given, have the number of their text for a type.
 */
export function fillTemplate(
  template: readonly TemplateItem[],
  texts: readonly Encoding[],
  special: boolean,
  typed?: readonly Encoding[],
): Encoding {
  const placed = (item: TemplateItem & { sequence: 0 | 1 }): Encoding => {
    const { length } = texts[item.sequence]!.ids;
    const byTemplate = !typed || typed[item.sequence] === texts[item.sequence];
    return {
      ...texts[item.sequence]!,
      typeIds: new Array<number>(length).fill(byTemplate ? item.typeId : item.sequence),
      sequenceIds: new Array<number>(length).fill(item.sequence),
    };
  };
  const [first] = template;
  // Most often there is nothing to join.
  if (template.length === 1 && first && 'sequence' in first && texts[first.sequence]) return placed(first);
  const filled = emptyEncoding();
  for (const item of template) {
    if ('sequence' in item) {
      if (texts[item.sequence]) appendEncoding(filled, placed(item));
    } else if (special) {
      for (const [i, id] of item.ids.entries()) pushAdded(filled, id, item.tokens[i]!, item.typeId, 1);
    }
  }
  return filled;
}

/** The ids only. Where there is nothing to join, the list is that of the text itself. */
export function fillTemplateIds(
  template: readonly TemplateItem[],
  texts: readonly number[][],
  special: boolean,
): number[] {
  if (template.length === 1 && texts.length === 1 && 'sequence' in template[0]!) return texts[0]!;
  // Joined at once: lists may be long.
  return ([] as number[]).concat(
    ...template.map(item => ('sequence' in item ? (texts[item.sequence] ?? []) : special ? item.ids : [])),
  );
}

const isSpace = (char: string | undefined) => char !== undefined && (char === 'Ġ' || /\p{White_Space}/u.test(char));

/** The place `count` characters after `at`. */
function forward(text: string, at: number, count: number): number {
  for (; count > 0 && at < text.length; count--) at += widthAt(text, at);
  return at;
}

/** The place `count` characters before `at`. */
function backward(text: string, at: number, count: number): number {
  for (; count > 0 && at > 0; count--) at -= at > 1 && widthAt(text, at - 2) === 2 ? 2 : 1;
  return at;
}

/**
 * Takes the white space at both ends of each token out of its offsets into `text`, in place. The reference counts spaces in
 * the token and characters in the text, which differ where a space was added.
 */
export function trimOffsets(encoding: Encoding, text: string, addPrefixSpace: boolean): void {
  encoding.tokens.forEach((token, i) => {
    let leading = 0;
    while (isSpace(token[leading])) leading++;
    let trailing = 0;
    while (isSpace(token[token.length - 1 - trailing])) trailing++;
    const range = encoding.offsets[i]!;
    // A single space in front of the text may be the one that was added, which has no place in the text.
    if (leading === 1 && addPrefixSpace && (i === 0 || range[0] === 0)) leading = 0;
    range[0] = Math.min(forward(text, range[0], leading), range[1]);
    range[1] = Math.max(backward(text, range[1], trailing), range[0]);
  });
}

function parseItems(value: unknown, specials: JsonObject, where: string): TemplateItem[] {
  return asList(value, where).map((entry, i) => {
    const at = `${where}[${i}]`;
    const item = asObject(entry, at);
    if ('Sequence' in item) {
      const { id, type_id: typeId } = asObject(item.Sequence, at);
      if (id !== 'A' && id !== 'B')
        throw new TokenizerError('a template names an unknown text', {
          seen: shown(id),
          expected: 'A or B',
          where: at,
        });
      return { sequence: id === 'A' ? 0 : 1, typeId: asCount(typeId ?? 0, `${at}.type_id`) };
    }
    const { id, type_id: typeId } = asObject(item.SpecialToken, at);
    const name = asString(id, `${at}.id`);
    const definition = asObject(specials[name], `${where.replace(/\.\w+$/, '')}.special_tokens.${name}`);
    const ids = asList(definition.ids, at).map(n => asCount(n, `${at}.ids`));
    const tokens = asList(definition.tokens, at).map(t => asString(t, `${at}.tokens`));
    if (ids.length !== tokens.length)
      throw new TokenizerError('a template token has not as many ids as texts', {
        seen: `${ids.length} and ${tokens.length}`,
        where: at,
      });
    return { ids, tokens, typeId: asCount(typeId ?? 0, `${at}.type_id`) };
  });
}

function parseTemplate(config: JsonObject, where: string): Partial<PostProcessor> {
  const specials = asObject(config.special_tokens ?? {}, `${where}.special_tokens`);
  return {
    single: parseItems(config.single, specials, `${where}.single`),
    pair: parseItems(config.pair, specials, `${where}.pair`),
    typesFirstWindow: true,
  };
}

function parseFixed(config: JsonObject, key: string, where: string): (typeId: number) => TemplateItem {
  const [token, id] = asList(config[key], `${where}.${key}`);
  const tokens = [asString(token, `${where}.${key}[0]`)];
  const ids = [asCount(id, `${where}.${key}[1]`)];
  return typeId => ({ ids, tokens, typeId });
}

/** `[CLS] A [SEP] B [SEP]`, the second text and its end of type 1. */
function parseBert(config: JsonObject, where: string): Partial<PostProcessor> {
  const sep = parseFixed(config, 'sep', where);
  const cls = parseFixed(config, 'cls', where);
  const single = [cls(0), A, sep(0)];
  return { single, pair: [...single, { sequence: 1, typeId: 1 }, sep(1)] };
}

/** `<s> A </s> </s> B </s>`, everything of type 0. */
function parseRoberta(config: JsonObject, where: string): Partial<PostProcessor> {
  const sep = parseFixed(config, 'sep', where)(0);
  const single = [parseFixed(config, 'cls', where)(0), A, sep];
  const pair: TemplateItem[] = [...single, sep, { sequence: 1, typeId: 0 }, sep];
  return { single, pair, ...parseTrim(config, where) };
}

function parseTrim(config: JsonObject, where: string): Partial<PostProcessor> {
  const addPrefixSpace = flag(config, 'add_prefix_space', true, where);
  return flag(config, 'trim_offsets', true, where) ? { trim: { addPrefixSpace } } : {};
}

function parseSequence(config: JsonObject, where: string): Partial<PostProcessor> {
  const list = `${where}.processors`;
  const parts = asList(config.processors, list).map((part, i) => parsePart(part, `${list}[${i}]`));
  if (parts.filter(part => part.single).length > 1)
    throw new UnsupportedError('two templates one after the other are not supported', { where });
  return Object.assign({}, ...parts) as Partial<PostProcessor>;
}

const parsers: ReadonlyMap<string, (config: JsonObject, where: string) => Partial<PostProcessor>> = new Map([
  ['TemplateProcessing', parseTemplate],
  ['BertProcessing', parseBert],
  ['RobertaProcessing', parseRoberta],
  ['ByteLevel', parseTrim],
  ['Sequence', parseSequence],
]);

function parsePart(value: unknown, where: string): Partial<PostProcessor> {
  const config = asObject(value, where);
  const type = typeOf(config, where);
  const parse = parsers.get(type);
  if (parse) return parse(config, where);
  throw new UnsupportedError(`post-processor ${type} is not supported`, {
    expected: [...parsers.keys()].join(', '),
    where,
  });
}

/** A post-processor from its JSON form. Throws TokenizerError, and UnsupportedError for an unknown type. */
export function parsePostProcessor(value: unknown, where = 'post_processor'): PostProcessor {
  return { ...PLAIN, ...parsePart(value, where) };
}

/** A template that puts the given tokens around each text, as the slow Llama tokenizer does. */
export function surroundWith(
  before: readonly (readonly [token: string, id: number])[],
  after: readonly (readonly [token: string, id: number])[],
): PostProcessor {
  const fixed = (list: readonly (readonly [string, number])[], typeId: number): TemplateItem[] =>
    list.map(([token, id]) => ({ ids: [id], tokens: [token], typeId }));
  const around = (sequence: 0 | 1): TemplateItem[] => [
    ...fixed(before, sequence),
    { sequence, typeId: sequence },
    ...fixed(after, sequence),
  ];
  return { single: around(0), pair: [...around(0), ...around(1)], trim: undefined };
}
