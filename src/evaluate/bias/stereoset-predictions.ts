/**
 * A model's scores for the sentences of StereoSet, as the published programs make them. Inside a sentence: a masked language
 * model fills in the missing word from left to right, the mean probability of its tokens counts; a model of the next token gets
 * the geometric mean probability of the sentence's tokens, its first token behind the start token, the others read without it.
 * Between sentences: a next-sentence head says how well one follows the other. The published models of the next token were given
 * such a head by training, which is not evaluation; without one, the mean log-probability of the second sentence's tokens counts.
 */
import { ConfigError } from '../../errors.ts';
import { forward, type LoadedModel } from '../../models/forward.ts';
import type { Tokenizer } from '../../tokenizers/index.ts';
import {
  continuationLogLikelihoods,
  normalizedScore,
  type ScoreOptions,
  type ScoreRow,
  scoreRows,
} from '../likelihood/index.ts';
import { kindOf, maskIdOf, type ScoredModel, startIdOf } from '../scored-model.ts';
import { STEREOSET_LABELS, STEREOSET_TASKS, type StereoSetItem, type StereoSetTask } from './stereoset.ts';

/** In the published form: what `readStereoSetPredictions` reads. */
export type StereoSetPredictions = Readonly<
  Record<StereoSetTask, readonly { readonly id: string; readonly score: number }[]>
>;
export interface StereoSetOptions extends ScoreOptions {
  /** The checkpoint under its next-sentence head, `load(source, { head: 'nextSentence' })`, for pairs of sentences. */
  readonly nextSentence?: { readonly parts: LoadedModel; readonly tokenizer: Tokenizer } | undefined;
}

/** @throws ConfigError for a model without probabilities, and for a context without the blank */
export async function stereoSetPredictions(
  model: ScoredModel,
  items: readonly StereoSetItem[],
  options: StereoSetOptions = {},
): Promise<StereoSetPredictions> {
  const of = (task: StereoSetTask) => items.filter(item => item.task === task);
  const [inside, between] = STEREOSET_TASKS.map(of) as [StereoSetItem[], StereoSetItem[]];
  const insideScores =
    kindOf(model) === 'masked'
      ? await filledBlanks(model, inside, options)
      : await sentenceScores(model, inside, options);
  const { nextSentence } = options;
  const betweenScores = nextSentence
    ? await followers(nextSentence, between, options)
    : await continuations(model, between, options);
  const listed = (own: readonly StereoSetItem[], scores: readonly number[]) =>
    own.flatMap(({ sentences }, i) =>
      STEREOSET_LABELS.map((label, k) => ({ id: sentences[label].id, score: scores[3 * i + k]! })),
    );
  return { intrasentence: listed(inside, insideScores), intersentence: listed(between, betweenScores) };
}

/** The word that stands in the place of the blank, without punctuation, as the published loader finds it. */
function blankWord(context: string, sentence: string): string {
  const at = context.split(' ').findIndex(word => word.includes('BLANK'));
  const word = at < 0 ? undefined : sentence.split(' ')[at];
  if (word !== undefined) return word.replace(/[!-/:-@[-`{-~]/g, '');
  throw new ConfigError('no word in the place of the blank', {
    seen: `${JSON.stringify(context)}, ${JSON.stringify(sentence)}`,
    expected: 'BLANK in the context, and as many words in the sentence',
  });
}

async function filledBlanks(
  model: ScoredModel,
  items: readonly StereoSetItem[],
  options: ScoreOptions,
): Promise<number[]> {
  const { tokenizer } = model;
  const maskId = maskIdOf(model);
  const mask = tokenizer.idToToken(maskId)!;
  const rows: ScoreRow[] = [];
  const ranges = items.flatMap(({ context, sentences }) =>
    STEREOSET_LABELS.map(label => {
      const from = rows.length;
      const word = blankWord(context, sentences[label].text);
      // Byte-level tokenizers have other tokens for a word behind a space.
      const text = /\sBLANK/.test(context) ? ` ${word}` : word;
      const ids = tokenizer.encodeIds(text, { addSpecialTokens: false });
      ids.forEach((id, i) => {
        const begun = tokenizer.decode(ids.slice(0, i)).trimStart();
        const shown = tokenizer.encodeIds(context.replace('BLANK', () => `${begun}${mask}`));
        rows.push({ ids: shown, at: [shown.indexOf(maskId)], targets: [id] });
      });
      return [from, rows.length] as const;
    }),
  );
  const scores = await scoreRows(model, rows, options);
  return ranges.map(
    ([from, to]) =>
      scores.slice(from, to).reduce((sum, { logProbs }) => sum + Math.exp(logProbs[0]!), 0) / Math.max(1, to - from),
  );
}

async function sentenceScores(
  model: ScoredModel,
  items: readonly StereoSetItem[],
  options: ScoreOptions,
): Promise<number[]> {
  if (kindOf(model) === 'encoderDecoder') {
    const asked = textsOf(items).map(continuation => ({ context: '', continuation }));
    const scores = await continuationLogLikelihoods(model, asked, options);
    return scores.map(score => Math.exp(normalizedScore(score, 'token')));
  }
  const start = startIdOf(model);
  const rows = textsOf(items).flatMap((text): ScoreRow[] => {
    const ids = model.tokenizer.encodeIds(text, { addSpecialTokens: false });
    return [
      { ids: [start], at: [0], targets: ids.slice(0, 1) },
      { ids: ids.slice(0, Math.max(1, ids.length - 1)), at: ids.slice(1).map((_, t) => t), targets: ids.slice(1) },
    ];
  });
  const scores = await scoreRows(model, rows, options);
  return items.flatMap((_, i) =>
    STEREOSET_LABELS.map((_label, k) => {
      const all = [0, 1].flatMap(part => [...scores[2 * (3 * i + k) + part]!.logProbs]);
      return Math.exp(all.reduce((sum, x) => sum + x, 0) / all.length);
    }),
  );
}

async function continuations(
  model: ScoredModel,
  items: readonly StereoSetItem[],
  options: ScoreOptions,
): Promise<number[]> {
  const asked = items.flatMap(({ context, sentences }) =>
    STEREOSET_LABELS.map(label => ({ context, continuation: ` ${sentences[label].text}` })),
  );
  const scores = await continuationLogLikelihoods(model, asked, options);
  return scores.map(score => normalizedScore(score, 'token'));
}

/** Probability that each sentence follows its context: class 0 of the head. */
async function followers(
  { parts, tokenizer }: { readonly parts: LoadedModel; readonly tokenizer: Tokenizer },
  items: readonly StereoSetItem[],
  { signal, onProgress }: ScoreOptions,
): Promise<number[]> {
  if (parts.head !== 'nextSentence')
    throw new ConfigError('this head does not say whether a sentence follows', {
      seen: parts.head,
      fix: "load the checkpoint with { head: 'nextSentence' }",
    });
  const scores: number[] = [];
  for (const { context, sentences } of items) {
    signal?.throwIfAborted();
    const pairs = STEREOSET_LABELS.map(label => [context, sentences[label].text] as const);
    const encodings = tokenizer.encodeBatch(pairs, { padding: 'longest' });
    const logits = await forward(parts, {
      input_ids: encodings.map(({ ids }) => ids),
      attention_mask: encodings.map(({ attentionMask }) => attentionMask),
      token_type_ids: encodings.map(({ typeIds }) => typeIds),
    }).logits.data(); // [3, 2]
    for (let k = 0; k < pairs.length; k++) scores.push(1 / (1 + Math.exp(logits[2 * k + 1]! - logits[2 * k]!)));
    onProgress?.({ done: scores.length, total: 3 * items.length });
  }
  return scores;
}

const textsOf = (items: readonly StereoSetItem[]): string[] =>
  items.flatMap(({ sentences }) => STEREOSET_LABELS.map(label => sentences[label].text));
