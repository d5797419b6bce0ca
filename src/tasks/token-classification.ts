/** Token classification: a class for each token of a text, or the entities that they make up (names, places ...). */
import type { Model } from '../hub/model.ts';
import type { Encoding, Tokenizer } from '../tokenizers/index.ts';
import { WordPiece } from '../tokenizers/wordpiece.ts';
import { softmax } from '../util/softmax.ts';
import {
  AGGREGATION_STRATEGIES,
  type AggregationStrategy,
  joinNeighbours,
  type LabelledTokens,
  labelTokens,
  labelWords,
  type ScoredToken,
} from './entity-groups.ts';
import { oneOf, size, texts } from './option-checks.ts';
import { labelsOf } from './scores-to-labels.ts';
import { type CallOptions, type Calls, defineTask, isText } from './task.ts';
import { outputsOfTexts, sourceLimit } from './text-batches.ts';

export interface TokenClassificationOptions extends CallOptions {
  /** How tokens become entities. Default `none`: they do not. */
  readonly aggregationStrategy?: AggregationStrategy | undefined;
  /** Labels that are left out. Default `O`, which marks what is no entity. */
  readonly ignoreLabels?: readonly string[] | undefined;
  /** Tokens that neighbouring windows share where a text is too long for the model. Default a quarter of a window. */
  readonly stride?: number | undefined;
}
/** A token under its label. */
export interface TokenEntity {
  readonly entity: string;
  readonly score: number;
  /** Its place among the tokens, the added ones counted. */
  readonly index: number;
  readonly word: string;
  /** Where it stands in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}
/** Neighbouring tokens of one entity. */
export interface EntityGroup {
  readonly entityGroup: string;
  readonly score: number;
  readonly word: string;
  readonly start: number;
  readonly end: number;
}
type Tokens = TokenClassificationOptions & { readonly aggregationStrategy?: 'none' | undefined };
type Groups = TokenClassificationOptions & { readonly aggregationStrategy: Exclude<AggregationStrategy, 'none'> };
export type TokenClassification = Calls<string, Tokens, TokenEntity[]> & Calls<string, Groups, EntityGroup[]>;

const NO_ENTITY = 'O';

export const task = defineTask<string, TokenClassificationOptions, (TokenEntity | EntityGroup)[]>({
  name: 'token-classification',
  heads: ['tokenClassification', 'replacedToken'],
  modality: 'text',
  expects: 'a text',
  isInput: isText,
  options: { aggregationStrategy: oneOf(...AGGREGATION_STRATEGIES), ignoreLabels: texts, stride: size },
  async run(model, inputs, options) {
    const { aggregationStrategy: strategy = 'none', ignoreLabels = [NO_ENTITY] } = options;
    const { tokenizer } = model;
    const labels = model.parts.head === 'replacedToken' ? REPLACED : labelsOf(model);
    const scored = await scoreTokens(model, inputs, options);
    return scored.map((tokens, i) => {
      const isKept = ({ label }: LabelledTokens) => !ignoreLabels.includes(label);
      if (strategy === 'none') return labelTokens(tokens, labels).filter(isKept).map(tokenEntity);
      const parts = strategy === 'simple' ? labelTokens(tokens, labels) : labelWords(tokens, labels, strategy);
      return joinNeighbours(parts)
        .filter(isKept)
        .map(group => entityGroup(group, inputs[i]!, tokenizer));
    });
  },
});
/** The classes of a detector of replaced tokens, which gives one number. */
const REPLACED = ['ORIGINAL', 'REPLACED'];

function tokenEntity({ label, score, tokens }: LabelledTokens): TokenEntity {
  const { index, text, start, end } = tokens[0]!;
  return { entity: label, score, index, word: text, start, end };
}

function entityGroup({ label, score, tokens }: LabelledTokens, text: string, tokenizer: Tokenizer): EntityGroup {
  const [start, end] = [tokens[0]!.start, tokens.at(-1)!.end];
  return { entityGroup: label, score, word: wordOf(tokens, text, tokenizer), start, end };
}

/** Tokens as a text; what the vocabulary does not know, and the space around it, is read from the text that they are of. */
function wordOf(tokens: readonly ScoredToken[], text: string, tokenizer: Tokenizer): string {
  const isKnown = ({ id }: ScoredToken) => id !== tokenizer.specialTokens.unk;
  const runs: ScoredToken[][] = [];
  for (const token of tokens)
    if (runs.length > 0 && isKnown(runs.at(-1)![0]!) && isKnown(token)) runs.at(-1)!.push(token);
    else runs.push([token]);
  return runs
    .map((run, i) => {
      const space = i === 0 ? '' : /^\s*/.exec(text.slice(runs[i - 1]!.at(-1)!.end))![0];
      const own = isKnown(run[0]!) ? tokenizer.decode(run.map(({ id }) => id)) : text.slice(run[0]!.start, run[0]!.end);
      return space + own;
    })
    .join('');
}

/** The tokens of each text, read in overlapping windows where it is long: each token from where most stands around it. */
async function scoreTokens(
  model: Model,
  inputs: readonly string[],
  options: TokenClassificationOptions,
): Promise<ScoredToken[][]> {
  const { tokenizer } = model;
  const limit = sourceLimit(model);
  const stride = options.stride ?? (limit === undefined ? 0 : Math.floor(limit / 4));
  const windows = inputs.map(text => {
    const first = tokenizer.encode(text, limit === undefined ? {} : { maxLength: limit, stride });
    return [first, ...first.overflowing];
  });
  const outputs = await outputsOfTexts(model, windows.flat(), { ...options, perToken: true });
  let next = 0;
  return inputs.map((text, i) => {
    const read = windows[i]!.map(window => ({ window, logits: outputs[next++]!.logits! }));
    return mergeWindows(read, stride).map(({ window, place, logits, index }) => ({
      id: window.ids[place]!,
      ...tokenFacts(window, place, text, tokenizer),
      index,
      scores: softmax(logits),
    }));
  });
}

interface PlacedToken {
  readonly window: Encoding;
  readonly place: number;
  readonly index: number;
  readonly logits: ArrayLike<number>;
}
/** The text's own tokens from windows that share `stride` tokens: of what two have read each gives its half. */
function mergeWindows(
  read: readonly { readonly window: Encoding; readonly logits: Float32Array }[],
  stride: number,
): PlacedToken[] {
  const tokens: PlacedToken[] = [];
  for (const [w, { window, logits }] of read.entries()) {
    const own = [...window.ids.keys()].filter(place => window.specialTokensMask[place] === 0);
    const before = own[0] ?? 0;
    const N = logits.length / window.ids.length;
    // One number x says that a token was replaced: of two classes the logits are 0 and x.
    const row = (place: number) => (N === 1 ? [0, logits[place]!] : logits.subarray(place * N, (place + 1) * N));
    const shared = w === 0 ? 0 : stride;
    tokens.length -= Math.floor(shared / 2);
    for (const place of own.slice(shared - Math.floor(shared / 2)))
      tokens.push({ window, place, index: before + tokens.length, logits: row(place) });
  }
  return tokens;
}

function tokenFacts(window: Encoding, place: number, text: string, tokenizer: Tokenizer) {
  const [start, end] = window.offsets[place]!;
  const token = window.tokens[place]!;
  const isUnknown = window.ids[place] === tokenizer.specialTokens.unk;
  const goesOn = !isUnknown && continues(token, text, start, end, tokenizer);
  return { text: isUnknown ? text.slice(start, end) : token, start, end, goesOn };
}

/** Whether a token is a later part of a word: as its vocabulary marks such parts, else where no space stands before it. */
function continues(token: string, text: string, start: number, end: number, { model }: Tokenizer): boolean {
  if (model instanceof WordPiece) return [...token].length !== [...text.slice(start, end)].length;
  return start > 0 && !text.slice(start - 1, start + 1).includes(' ');
}
