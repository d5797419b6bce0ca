/** Sentences of a treebank as rows of a model: its tokens, the words that they are of, and which word belongs to which. */
import { FormatError } from '../errors.ts';
import type { ConlluSentence, ConlluWord } from './conllu.ts';
import { type Annotation, type CorpusRow, type RelationPair, rowLimit, textRow } from './corpus.ts';
import type { ExplainedModel } from './explained-model.ts';

/** Relations that are asked for where nobody says which: subjects, objects, what belongs to a noun, particles, pronouns. */
export const RELATIONS: readonly string[] = [
  'nsubj',
  'obj',
  'iobj',
  'det',
  'amod',
  'case',
  'compound:prt',
  'antecedent',
];

export interface TreebankOptions {
  /** Dependency relations, with their subtypes, and `antecedent` (MISC `Antecedent=sentence:word`). Default `RELATIONS`. */
  readonly relations?: readonly string[] | undefined;
  /** A row is a sentence (default), or as many sentences of a document as fit. */
  readonly unit?: 'sentence' | 'document' | undefined;
  readonly maxTokens?: number | undefined;
}

/**
 * Rows with their relations. A token belongs to the words that it shares characters with.
 * @throws FormatError for an antecedent that is no word of the document
 */
export function* treebankRows(
  model: ExplainedModel,
  sentences: Iterable<ConlluSentence>,
  options: TreebankOptions = {},
): Generator<CorpusRow & { readonly annotation: Annotation }, void, undefined> {
  let number = 0;
  for (const group of groups(model, sentences, options)) yield rowOf(model, group, number++, options);
}

/** Neighbouring sentences of one row, each with its number in the document. */
type Group = readonly { readonly sentence: ConlluSentence; readonly number: number }[];

function* groups(
  model: ExplainedModel,
  sentences: Iterable<ConlluSentence>,
  { unit = 'sentence', maxTokens }: TreebankOptions,
): Generator<Group, void, undefined> {
  const limit = rowLimit(model, maxTokens);
  let group: { sentence: ConlluSentence; number: number }[] = [];
  let [document, number, tokens] = [undefined as number | undefined, 0, 0];
  for (const sentence of sentences) {
    number = sentence.document === document ? number + 1 : 1;
    const begins = unit === 'sentence' || sentence.document !== document;
    document = sentence.document;
    const length = unit === 'document' ? (model.parts.tokenizer?.encodeIds(sentence.text).length ?? 0) : 0;
    if (group.length && (begins || tokens + length > limit)) {
      yield group;
      [group, tokens] = [[], 0];
    }
    group.push({ sentence, number });
    tokens += length;
  }
  if (group.length) yield group;
}

function rowOf(
  model: ExplainedModel,
  group: Group,
  number: number,
  { relations = RELATIONS, maxTokens }: TreebankOptions,
): CorpusRow & { readonly annotation: Annotation } {
  const text = group.map(({ sentence }) => sentence.text).join(' ');
  const row = textRow(model, text, { maxTokens });
  const placed = new Map<number, PlacedSentence>();
  const spans: (readonly [number, number])[] = [];
  let character = 0;
  for (const { sentence, number } of group) {
    placed.set(number, { sentence, firstWord: spans.length });
    const tokens = new Map(sentence.words.map(word => [word.token, word.span]));
    for (const [from, to] of tokens.values()) spans.push([character + from, character + to]);
    character += sentence.text.length + 1;
  }
  const words = spans.map(([from, to]) => {
    const places: number[] = [];
    row.offsets.forEach(([start, end], i) => {
      if (row.added[i] === 0 && start < to && end > from) places.push(i);
    });
    return places;
  });
  const links = group.flatMap(({ number }) => linksOf(number, relations, placed));
  const pairs = pairsOf(links).flatMap(pair => {
    const targets = pair.targets.filter(target => words[target]!.length > 0);
    return words[pair.query]!.length && targets.length ? [{ ...pair, targets }] : [];
  });
  const { offsets: _, ...plain } = row;
  return { ...plain, annotation: { words, pairs, document: group[0]!.sentence.document ?? number } };
}

/** A sentence and where its words begin among those of the row. */
interface PlacedSentence {
  readonly sentence: ConlluSentence;
  readonly firstWord: number;
}
/** A dependent and its head, as words of the row. */
interface Link {
  readonly relation: string;
  readonly dependent: number;
  readonly head: number;
}

function linksOf(number: number, relations: readonly string[], placed: ReadonlyMap<number, PlacedSentence>): Link[] {
  const { sentence, firstWord } = placed.get(number)!;
  const links: Link[] = [];
  for (const word of sentence.words) {
    const dependent = firstWord + word.token;
    const relation = relations.find(name => word.deprel === name || word.deprel.startsWith(`${name}:`));
    const head = word.head ? sentence.words[word.head - 1] : undefined;
    // Words of one token cannot look at each other.
    if (relation && head && head.token !== word.token)
      links.push({ relation, dependent, head: firstWord + head.token });
    const antecedent = relations.includes('antecedent') ? antecedentOf(word, sentence.id, placed) : undefined;
    if (antecedent !== undefined && antecedent !== dependent)
      links.push({ relation: 'antecedent', dependent, head: antecedent });
  }
  return links;
}

/** The word of the row that a pronoun stands for; undefined where that is in a sentence before the row. */
function antecedentOf(
  { misc, form }: ConlluWord,
  where: string | undefined,
  placed: ReadonlyMap<number, PlacedSentence>,
): number | undefined {
  const given = misc.Antecedent;
  if (given === undefined) return undefined;
  const [, number, id] = /^([1-9]\d*):([1-9]\d*)$/.exec(given) ?? [];
  const of = placed.get(Number(number));
  const word = of?.sentence.words[Number(id) - 1];
  if (id === undefined || (of && !word))
    throw new FormatError('not an antecedent', {
      seen: `Antecedent=${given} of ${form}`,
      expected: 'the number of a sentence of the document and of a word in it, both from 1: Antecedent=1:2',
      where,
    });
  return of && word && of.firstWord + word.token;
}

/** Each dependent looks at its head, and each head at its dependents. */
function pairsOf(links: readonly Link[]): RelationPair[] {
  const targets = new Map<string, { relation: string; query: number; targets: number[] }>();
  for (const { relation, dependent, head } of links) {
    const key = `${relation} ${head}`;
    const pair = targets.get(key) ?? { relation, query: head, targets: [] };
    pair.targets.push(dependent);
    targets.set(key, pair);
  }
  return [
    ...links.map(({ relation, dependent, head }): RelationPair => {
      return { relation, direction: 'toHead', query: dependent, targets: [head] };
    }),
    ...[...targets.values()].map((pair): RelationPair => ({ ...pair, direction: 'toDependent' })),
  ];
}
