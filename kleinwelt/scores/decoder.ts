/** What the decoder (or the recurrent network) learned of the grammar's own distribution, and how grammatical what it writes is. */

import { scoreRows } from '../../src/evaluate/likelihood/index.ts';
import type { Model } from '../../src/index.ts';
import { sampleDocument } from '../document.ts';
import { createChoices } from '../world/choices.ts';
import { isExempt, testShare } from '../world/split.ts';
import { grammaticalShare } from './grammar.ts';
import { figure } from './intervals.ts';
import type { Score } from './score.ts';

const [SEED, DOCUMENTS, SAMPLES] = [501, 1000, 400];
/** Tells these from the streams of training. */
const STREAM = 73;

export async function decoderScores(model: Model, goals: boolean): Promise<Score[]> {
  return [...(await perplexities(model, goals)), await sampled(model, goals)];
}

/**
 * The model's perplexity against the grammar's, whose probability of every text is known. The two can be equal on new documents of the
 * half that training is from: the grammar is that of this half, of which a sentence that is not exempt has its probability by 0.9.
 * On the other half a model that knows by heart which of the few short sentences are never said (*Anna wohnt in Seedorf.*) pays for it.
 */
async function perplexities(model: Model, goals: boolean): Promise<Score[]> {
  const known = await itemsOf(model, 'train');
  const heldOut = await itemsOf(model, 'test');
  const perToken = (of: 'model' | 'grammar') => ({
    row: (item: Item) => [item[of], item.tokens],
    score: (sums: Float64Array) => Math.exp(sums[0]! / sums[1]!),
  });
  const ratio = {
    row: (item: Item) => [item.model - item.grammar, item.tokens],
    score: (sums: Float64Array) => Math.exp(sums[0]! / sums[1]!),
  };
  const on = `of ${DOCUMENTS} new documents of the half that was learned from, per token with the end`;
  const what = `the same of ${DOCUMENTS} documents of the held-out half, whose sentences were never seen`;
  return [
    figure({ name: 'perplexity', what: `perplexity ${on}` }, 'ratio', known, perToken('model')),
    figure({ name: 'grammar-perplexity', what: `the grammar's own ${on}` }, 'ratio', known, perToken('grammar')),
    figure(
      { name: 'perplexity-ratio', what: 'the first over the second', goal: goals ? 1.05 : undefined },
      'ratio',
      known,
      ratio,
    ),
    figure({ name: 'perplexity-ratio-held-out', what }, 'ratio', heldOut, ratio),
  ];
}

/** Negative log-probabilities of a document, in nats, and its tokens. */
interface Item {
  readonly model: number;
  readonly grammar: number;
  readonly tokens: number;
}
async function itemsOf(model: Model, split: 'train' | 'test'): Promise<Item[]> {
  const end = model.tokenizer.specialTokens.eos!;
  const documents = Array.from({ length: DOCUMENTS }, (_, i) =>
    sampleDocument(createChoices(SEED, STREAM, i), { split }),
  );
  const rows = documents.map(({ text }) => {
    const ids = [end, ...model.tokenizer.encodeIds(text), end];
    return { ids, at: ids.slice(1).map((_, i) => i), targets: ids.slice(1) };
  });
  const scores = await scoreRows(model, rows);
  return documents.map(({ logProbability, sentences }, i) => {
    const drawn = sentences.filter(({ frame }) => !isExempt(frame)).length;
    return {
      model: -scores[i]!.logProbs.reduce((sum, x) => sum + x, 0),
      grammar: -logProbability + (split === 'train' ? drawn * Math.log(1 - testShare) : 0),
      tokens: rows[i]!.targets.length,
    };
  });
}

async function sampled(model: Model, goals: boolean): Promise<Score> {
  const end = model.tokenizer.specialTokens.eos!;
  const prompts = Array.from({ length: SAMPLES }, () => [end]);
  const texts: string[] = [];
  const options = { maxNewTokens: 220, temperature: 0.7, topK: 0, topP: 1, seed: SEED };
  for await (const event of model.generateIds(prompts, options))
    if (event.type === 'done')
      for (const { ids } of event.sequences) texts.push(model.tokenizer.decode([...ids], { skipSpecialTokens: true }));
  const what = `grammatical sentences among those of ${SAMPLES} texts, sampled at temperature 0.7`;
  return grammaticalShare({ name: 'grammatical', what, goal: goals ? 0.98 : undefined }, texts);
}
