/** What the decoder (or the recurrent network) learned of the grammar's own distribution, and how grammatical what it writes is. */

import { scoreRows } from '../../src/evaluate/likelihood/index.ts';
import type { Model } from '../../src/index.ts';
import { sampleDocument } from '../document.ts';
import { createChoices } from '../world/choices.ts';
import { grammaticalShare } from './grammar.ts';
import { figure } from './intervals.ts';
import type { Score } from './score.ts';

const [SEED, DOCUMENTS, SAMPLES] = [501, 1000, 400];
/** Tells these from the streams of training. */
const STREAM = 73;

export async function decoderScores(model: Model, goals: boolean): Promise<Score[]> {
  return [...(await perplexities(model, goals)), await sampled(model, goals)];
}

/** The model's perplexity on held-out documents against the grammar's, whose probability of every text is known. */
async function perplexities(model: Model, goals: boolean): Promise<Score[]> {
  const end = model.tokenizer.specialTokens.eos!;
  const documents = Array.from({ length: DOCUMENTS }, (_, i) =>
    sampleDocument(createChoices(SEED, STREAM, i), { split: 'test' }),
  );
  const rows = documents.map(({ text }) => {
    const ids = [end, ...model.tokenizer.encodeIds(text), end];
    return { ids, at: ids.slice(1).map((_, i) => i), targets: ids.slice(1) };
  });
  const scores = await scoreRows(model, rows);
  const items = documents.map(({ logProbability }, i) => ({
    model: -scores[i]!.logProbs.reduce((sum, x) => sum + x, 0),
    grammar: -logProbability,
    tokens: rows[i]!.targets.length,
  }));
  const perToken = (of: 'model' | 'grammar') => ({
    row: (item: (typeof items)[number]) => [item[of], item.tokens],
    score: (sums: Float64Array) => Math.exp(sums[0]! / sums[1]!),
  });
  const on = `of ${DOCUMENTS} held-out documents, per token with the end`;
  return [
    figure({ name: 'perplexity', what: `perplexity ${on}` }, 'ratio', items, perToken('model')),
    figure(
      { name: 'grammar-perplexity', what: `the grammar's own perplexity ${on}` },
      'ratio',
      items,
      perToken('grammar'),
    ),
    figure(
      { name: 'perplexity-ratio', what: 'the first over the second', goal: goals ? 1.05 : undefined },
      'ratio',
      items,
      {
        row: item => [item.model - item.grammar, item.tokens],
        score: sums => Math.exp(sums[0]! / sums[1]!),
      },
    ),
  ];
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
