/**
 * How well a language model foretells texts of any length: perplexity per token, word and byte. The text is streamed through
 * windows, so that time is linear in it and memory does not grow. What is counted and what a token may look back on are
 * conventions, and figures of two conventions cannot be compared; they are named here and in every result:
 *
 * - `rolling` (lm-evaluation-harness, `loglikelihood_rolling`): the text begins behind the start token (or the end token), every
 *   token of it is scored once, a window of `window` tokens scores its last `stride` and the last window reaches back as far as
 *   it can. The special tokens that the tokenizer would put around the text are left out; the harness keeps them, and scores a
 *   start token behind the start token where a tokenizer adds one.
 * - `sliding` (the recipe of the transformers documentation for models of fixed length): the text with the start tokens that its
 *   tokenizer adds; windows begin `stride` apart; the very first token is given. The recipe weighs each window's mean loss by one
 *   token less than it scored, and `perplexity` follows it; with windows that do not overlap this is the plain mean.
 * - `carried` (recurrent networks): each token is foretold from all before it, the state is handed on from piece to piece.
 */
import { ConfigError } from '../../errors.ts';
import { headOf } from '../../models/forward.ts';
import { RecurrentState } from '../../nn/recurrent-state.ts';
import { tokenBatch } from '../../nn/tokens.ts';
import { compute } from '../../tensor/index.ts';
import { kindOf, type ScoredModel, startIdOf } from '../scored-model.ts';
import { rowsOfLength } from './batches.ts';
import { type ScoreOptions, scoreRows, scoresAt } from './score-rows.ts';
import { leadingIds } from './special-ids.ts';
import { TextSize } from './text-size.ts';
import { type Stream, type Window, type WindowShape, windowsOf } from './windows.ts';

export const PERPLEXITY_CONVENTIONS = ['rolling', 'sliding', 'carried'] as const;
export type PerplexityConvention = (typeof PERPLEXITY_CONVENTIONS)[number];

export interface PerplexityOptions extends ScoreOptions {
  /** Default: `carried` for recurrent networks, else `rolling` where the tokenizer has a start or end token, else `sliding`. */
  readonly convention?: PerplexityConvention | undefined;
  /** Tokens that the network reads at once. Default: as many as it can, at most 2048. */
  readonly window?: number | undefined;
  /** Tokens that a window brings; the smaller, the longer the shortest context. Default: the window, which costs least. */
  readonly stride?: number | undefined;
  /** Stands before a text under `rolling` and `carried`. Default: the tokenizer's start token, else its end token. */
  readonly startId?: number | undefined;
}
/** What a text's figures are made of; sums over texts give those of a corpus. */
export interface TextLikelihood {
  /** Of all scored tokens together, in nats. */
  readonly logLikelihood: number;
  /** Scored tokens. */
  readonly tokens: number;
  /** As lm-evaluation-harness counts: pieces between runs of white space. */
  readonly words: number;
  /** In UTF-8. */
  readonly bytes: number;
}
export interface Perplexities {
  /** Per token: e to the mean negative log-likelihood. */
  readonly perplexity: number;
  readonly wordPerplexity: number;
  readonly bytePerplexity: number;
  /** Mean negative log2-likelihood of a byte. */
  readonly bitsPerByte: number;
}
export interface TextPerplexity extends TextLikelihood, Perplexities {
  readonly convention: PerplexityConvention;
  readonly window: number;
  readonly stride: number;
  /** What stood before the text; undefined where nothing did. */
  readonly startId: number | undefined;
}

/** Tokens of a window where neither the model nor the caller says, and the most that are taken unasked. */
const WINDOW = 2048;
/** Tokens that a recurrent network reads at once. */
const PIECE = 256;
/** Batches whose windows are read before any is scored: short texts find partners of their length. */
const READ_AHEAD = 8;

/**
 * The figures of likelihoods: of one text, or of all texts of a corpus together, as lm-evaluation-harness defines them.
 * @throws ConfigError where no token was scored
 */
export function perplexities(texts: readonly TextLikelihood[]): Perplexities {
  const sum = (key: keyof TextLikelihood) => texts.reduce((total, text) => total + text[key], 0);
  const nats = -sum('logLikelihood');
  if (sum('tokens') === 0)
    throw new ConfigError('no perplexity without a token', {
      seen: `${texts.length} texts`,
      expected: 'one with a token',
    });
  return {
    perplexity: Math.exp(nats / sum('tokens')),
    wordPerplexity: Math.exp(nats / sum('words')),
    bytePerplexity: Math.exp(nats / sum('bytes')),
    bitsPerByte: nats / sum('bytes') / Math.LN2,
  };
}

/**
 * The perplexity of one text, given whole or in pieces, which may come from a file of any size. Pieces are tokenized one by
 * one: cut them where no token crosses the cut, such as behind line breaks. Progress counts scored tokens.
 * @throws ConfigError for a model that foretells no next token, options that cannot be, a text of no token to score; the reason
 * of `signal`
 */
export async function perplexity(
  model: ScoredModel,
  text: string | Stream<string>,
  options: PerplexityOptions = {},
): Promise<TextPerplexity> {
  const plan = planOf(model, options);
  const sizes: TextSize[] = [];
  const texts = [typeof text === 'string' ? [text] : text];
  let [logLikelihood, tokens, weighed, weight] = [0, 0, 0, 0];
  for await (const { window, sum } of scoredWindows(model, plan, texts, sizes, { ahead: 1, ...options })) {
    const { scored, fresh } = window;
    logLikelihood += sum;
    tokens += scored;
    const counts = plan.convention === 'sliding' ? (fresh - 1) / scored : 1;
    weighed += counts * sum;
    weight += counts * scored;
    options.onProgress?.({ done: tokens, total: undefined });
  }
  if (tokens === 0)
    throw new ConfigError('the text is too short for a perplexity', {
      seen: 'no token with another before it',
      fix: 'give a longer text, or a startId',
    });
  const { convention, window, stride, startId } = plan;
  const likelihood = { logLikelihood, tokens, words: sizes[0]!.words, bytes: sizes[0]!.bytes };
  return {
    ...likelihood,
    ...perplexities([likelihood]),
    // A single scored token has no weight in the recipe.
    perplexity: Math.exp(-(weight > 0 ? weighed / weight : logLikelihood / tokens)),
    ...{ convention, window, stride, startId },
  };
}

/**
 * The likelihood of each of many texts by itself, short ones batched by length: `loglikelihood_rolling` of
 * lm-evaluation-harness under the convention `rolling`. `perplexities` makes a corpus' figures of them. A text without a token
 * to score has a log-likelihood of 0. Progress counts texts.
 * @throws ConfigError for a model that foretells no next token and options that cannot be; the reason of `signal`
 */
export async function textLogLikelihoods(
  model: ScoredModel,
  texts: Stream<string>,
  options: PerplexityOptions = {},
): Promise<TextLikelihood[]> {
  const plan = planOf(model, options);
  const total = Array.isArray(texts) ? texts.length : undefined;
  const sizes: TextSize[] = [];
  const sums: { logLikelihood: number; tokens: number }[] = [];
  const whole = mapped(texts, text => [text]);
  for await (const { text, window, sum } of scoredWindows(model, plan, whole, sizes, {
    ahead: READ_AHEAD,
    ...options,
  })) {
    const sofar = sums[text] ?? { logLikelihood: 0, tokens: 0 };
    sums[text] = { logLikelihood: sofar.logLikelihood + sum, tokens: sofar.tokens + window.scored };
    options.onProgress?.({ done: text, total });
  }
  options.onProgress?.({ done: sizes.length, total });
  return sizes.map(({ words, bytes }, i) => ({ ...(sums[i] ?? { logLikelihood: 0, tokens: 0 }), words, bytes }));
}

// ---- how a text is read
interface Plan {
  readonly convention: PerplexityConvention;
  readonly window: number;
  readonly stride: number;
  readonly startId: number | undefined;
  readonly shape: WindowShape;
}
function planOf(model: ScoredModel, options: PerplexityOptions): Plan {
  if (kindOf(model) !== 'causal')
    throw new ConfigError('only a model of the next token has a perplexity', {
      seen: model.parts.head,
      fix: 'pseudoPerplexity for masked language models, continuationLogLikelihoods for encoder-decoders',
    });
  const { architecture } = model.parts;
  const { bos, eos } = model.tokenizer.specialTokens;
  const starts = (options.startId ?? bos ?? eos) !== undefined;
  const { convention = architecture.state ? 'carried' : starts ? 'rolling' : 'sliding' } = options;
  if (!PERPLEXITY_CONVENTIONS.includes(convention) || (convention === 'carried' && !architecture.state))
    throw new ConfigError('no such convention for this model', {
      seen: `${convention} for ${architecture.name}`,
      expected: PERPLEXITY_CONVENTIONS.filter(name => name !== 'carried' || architecture.state).join(', '),
    });
  if (convention === 'carried') {
    const startId = starts ? startIdOf(model, options.startId) : undefined;
    const shape = { full: PIECE + 1, stride: PIECE, keep: 1 };
    return { convention, window: PIECE, stride: PIECE, startId, shape };
  }
  const most = model.contextLength ?? Number.POSITIVE_INFINITY;
  const { window = Math.min(most, WINDOW), stride = window } = options;
  const whole = (n: number) => Number.isSafeInteger(n) && n >= 1;
  if (!whole(window) || window > most || !whole(stride) || stride > window)
    throw new ConfigError('no such windows', {
      seen: `window ${window}, stride ${stride}`,
      expected: `a window of up to ${most} tokens, and a stride from 1 to the window`,
    });
  return convention === 'rolling'
    ? {
        ...{ convention, window, stride, startId: startIdOf(model, options.startId) },
        shape: { full: window + 1, stride, keep: window },
      }
    : { ...{ convention, window, stride, startId: undefined }, shape: { full: window, stride, keep: window - stride } };
}

// ---- windows as log-likelihoods
interface TextWindow {
  /** Number of the text. */
  readonly text: number;
  readonly window: Window;
}
interface ScoredWindow extends TextWindow {
  /** Log-likelihood of the scored tokens. */
  readonly sum: number;
}

/** The windows of texts, which are streams of pieces, in order. `sizes` gets the size of each text. */
async function* scoredWindows(
  model: ScoredModel,
  plan: Plan,
  texts: Stream<Stream<string>>,
  sizes: TextSize[],
  { ahead, batchSize = rowsOfLength(plan.shape.full), signal }: ScoreOptions & { readonly ahead: number },
): AsyncGenerator<ScoredWindow> {
  async function* windows(): AsyncGenerator<TextWindow> {
    for await (const pieces of texts) {
      const size = new TextSize();
      const text = sizes.push(size) - 1;
      for await (const window of windowsOf(idsOf(model, pieces, plan, size), plan.shape)) yield { text, window };
    }
  }
  if (plan.convention === 'carried') yield* carried(model, windows(), signal);
  else
    for await (const group of groups(windows(), ahead * batchSize))
      yield* await together(model, group, { batchSize, signal });
}

async function* idsOf(
  { tokenizer }: ScoredModel,
  pieces: Stream<string>,
  { startId }: Plan,
  size: TextSize,
): AsyncGenerator<readonly number[]> {
  yield startId === undefined ? leadingIds(tokenizer) : [startId];
  for await (const piece of pieces) {
    size.add(piece);
    yield tokenizer.encodeIds(piece, { addSpecialTokens: false });
  }
}
async function* mapped<T, U>(items: Stream<T>, of: (item: T) => U): AsyncGenerator<U> {
  for await (const item of items) yield of(item);
}
async function* groups<T>(items: AsyncIterable<T>, count: number): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < count) continue;
    yield group;
    group = [];
  }
  if (group.length) yield group;
}

/** Windows that are read independently of each other. */
async function together(
  model: ScoredModel,
  windows: readonly TextWindow[],
  options: ScoreOptions,
): Promise<ScoredWindow[]> {
  const rows = windows.map(({ window: { ids, scored } }) => ({
    ids: ids.slice(0, -1),
    at: Array.from({ length: scored }, (_, i) => ids.length - 1 - scored + i),
    targets: ids.slice(ids.length - scored),
  }));
  const scores = await scoreRows(model, rows, options);
  return windows.map((window, i) => ({ ...window, sum: total(scores[i]!.logProbs) }));
}

/** Windows of a recurrent network, whose state goes on from one to the next of a text. */
async function* carried(
  { parts }: ScoredModel,
  windows: AsyncIterable<TextWindow>,
  signal: AbortSignal | undefined,
): AsyncGenerator<ScoredWindow> {
  const { architecture, config, params } = parts;
  let state = new RecurrentState(architecture.state!(config), { batch: 1 });
  let current = 0;
  try {
    for await (const { text, window } of windows) {
      signal?.throwIfAborted();
      if (text !== current) {
        state.dispose();
        state = new RecurrentState(architecture.state!(config), { batch: 1 });
        current = text;
      }
      const ids = window.ids.slice(0, -1);
      const offsets = [state.length];
      const batch = tokenBatch([ids], { vocabSize: architecture.vocabSize(config), contextLength: undefined, offsets });
      state.begin();
      await state.extend(ids.length, undefined);
      const input = { ...batch, state };
      const states = headOf(parts).hidden(params, config, input);
      await compute(...state.pending, states);
      const { logProbs } = await scoresAt(parts, states, input, [...ids.keys()], window.ids.slice(1));
      states.dispose();
      yield { text, window, sum: total(logProbs) };
    }
  } finally {
    state.dispose();
  }
}

const total = (logProbs: Float32Array): number => logProbs.reduce((sum, x) => sum + x, 0);
