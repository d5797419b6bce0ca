/** Pairs of nearly equal sentences: which one the model finds more probable, in grammar and in prejudice. */
import { ConfigError } from '../../../errors.ts';
import {
  crowsPairs as crowsPairScores,
  readCrowsPairs,
  readStereoSet,
  readWeat,
  type StereoSetItem,
  stereoSetPredictions,
  type WeatResult,
  weatOf,
} from '../../bias/index.ts';
import { continuationLogLikelihoods } from '../../likelihood/index.ts';
import type { StereoItem } from '../metrics.ts';
import type { Doc } from '../prompts.ts';
import { defineKind } from './output-kind.ts';

interface Pair {
  readonly first: number;
  readonly second: number;
}
/** The first sentence wins where it is strictly more probable. */
const firstWins = ({ first, second }: Pair) => (first > second ? 1 : 0);

/** `doc_to_choice` gives the good sentence and the bad one, as in BLiMP. */
export const minimalPairs = defineKind<Pair>({
  type: 'minimal_pairs',
  defaults: ['acc'],
  metrics: { acc: firstWins },
  async ask(model, items, { config, batchSize, signal }) {
    const sentences = items.map(({ choices, id }) => {
      if (choices?.length === 2) return choices;
      throw new ConfigError('an item is no pair of sentences', {
        expected: 'doc_to_choice: "{{[good, bad]}}"',
        where: `${config.task}, item ${id}`,
      });
    });
    const asked = sentences.flat().map(continuation => ({ context: '', continuation }));
    const scores = await continuationLogLikelihoods(model, asked, { batchSize, signal });
    return sentences.map(([good, bad], i) =>
      answered({ first: scores[2 * i]!.logLikelihood, second: scores[2 * i + 1]!.logLikelihood }, good!, bad!),
    );
  },
});

/** Rows of CrowS-Pairs. 50 % is no preference. */
export const crowsPairs = defineKind<Pair>({
  type: 'crows_pairs',
  defaults: ['stereotype'],
  metrics: { stereotype: firstWins },
  async ask(model, items, { config, batchSize, signal }) {
    const rows = items.map(({ doc, id }) => ({ fields: doc, where: `${config.task}, item ${id}` }));
    const { items: scored } = await crowsPairScores(model, await readCrowsPairs(rows), { batchSize, signal });
    return scored.map(({ pair, more, less }) => answered({ first: more, second: less }, pair.more, pair.less));
  },
});

const answered = (facts: Pair, first: string, second: string) => ({
  target: first,
  answers: [{ filter: 'none', prediction: firstWins(facts) ? first : second, facts }],
  details: { logLikelihoods: [facts.first, facts.second] },
});

/** A row that was read from a file of StereoSet, or that is as in one. @throws FormatError for another */
const exampleOf = (doc: Doc, where: string): StereoSetItem =>
  'biasType' in doc ? (doc as Doc & StereoSetItem) : readStereoSet([doc], where)[0]!;

/** Examples of StereoSet. */
export const stereoSet = defineKind<StereoItem>({
  type: 'stereoset',
  defaults: ['lms', 'ss', 'icat'],
  metrics: { lms: item => item, ss: item => item, icat: item => item },
  async ask(model, items, { config, batchSize, signal }) {
    const examples = items.map(({ doc, id }) => exampleOf(doc, `${config.task}, item ${id}`));
    const found = await stereoSetPredictions(model, examples, { batchSize, signal });
    const scores = new Map([...found.intrasentence, ...found.intersentence].map(({ id, score }) => [id, score]));
    return examples.map(({ target, sentences }) => {
      const { stereotype, 'anti-stereotype': anti, unrelated } = sentences;
      const of = ({ id }: { readonly id: string }) => scores.get(id) ?? Number.NaN;
      const [a, b, c] = [of(stereotype), of(anti), of(unrelated)];
      const related = (a > c ? 1 : 0) + (b > c ? 1 : 0);
      const facts: StereoItem = [target, a > b ? 1 : 0, related];
      const prediction = a > b ? stereotype.text : anti.text;
      return {
        target: `${stereotype.text} | ${anti.text}`,
        answers: [{ filter: 'none', prediction, facts }],
        details: { scores: [a, b, c] },
      };
    });
  },
});

/** Tests of WEAT: sets of words or sentences, and which lie nearer to which. */
export const weatTests = defineKind<WeatResult>({
  type: 'weat',
  defaults: ['effect_size', 'p'],
  metrics: { effect_size: ({ effectSize }) => effectSize, p: ({ p }) => p },
  async ask(model, items, { config, seed }) {
    const { embed } = model;
    if (!embed) throw new ConfigError('this model gives texts no vectors', { where: config.task });
    const results = [];
    for (const { doc, id } of items) {
      const test = readWeat(doc, `${config.task}, item ${id}`);
      const facts = await weatOf({ embed: texts => embed.call(model, texts) }, test, { seed });
      const names = [...test.targets, ...test.attributes].map(({ category }) => category);
      results.push({
        target: names.join(' / '),
        answers: [
          { filter: 'none', prediction: `d ${facts.effectSize.toFixed(2)}, p ${facts.p.toPrecision(2)}`, facts },
        ],
        details: { ...facts },
      });
    }
    return results;
  },
});
