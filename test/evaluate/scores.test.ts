/** Every score against the figures of its reference library, on cases of our own (`data/`, with the versions). */

import { describe, expect, it } from 'vitest';
import {
  type AnswerLanguage,
  accuracy,
  answerWords,
  type BleuOptions,
  type BleuTokenizer,
  binaryF1,
  bleu,
  bleuCounts,
  bleuTokens,
  brier,
  brierMulticlass,
  type ChrfOptions,
  chrf,
  chrfCounts,
  classificationReport,
  confusionMatrix,
  fitTemperature,
  type Label,
  logLoss,
  matthews,
  meanAbsoluteError,
  meanSquaredError,
  type PrecisionRecall,
  pearson,
  porterStem,
  type RougeScores,
  type RougeType,
  rouge,
  rougeText,
  type SegmentCounts,
  type SequenceOptions,
  scoreAnswer,
  scoreAnswers,
  sentenceBleu,
  sequenceCounts,
  sequenceReport,
  spearman,
  type TagScheme,
  type TerOptions,
  ter,
  terCounts,
} from '../../src/evaluate/scores/index.ts';
import { bootstrap } from '../../src/util/statistics/index.ts';
import { expectNear, referenceCases } from './near.ts';

interface Segment {
  readonly hypothesis: string;
  readonly references: readonly string[];
}
interface CorpusCase {
  readonly refs: 'one' | 'all';
  readonly options: Readonly<Record<string, string | number | boolean>>;
  readonly score: number;
  readonly signature: string;
  readonly sentences?: readonly number[];
}
interface BleuCase extends CorpusCase {
  readonly counts: readonly number[];
  readonly totals: readonly number[];
  readonly precisions: readonly number[];
  readonly bp: number;
  readonly sysLen: number;
  readonly refLen: number;
}

const translation = referenceCases<{
  readonly segments: readonly Segment[];
  readonly bleu: readonly BleuCase[];
  readonly chrf: readonly CorpusCase[];
  readonly ter: readonly (CorpusCase & { readonly edits: number; readonly refLen: number })[];
  readonly tokens: Readonly<Record<BleuTokenizer, readonly (readonly string[])[]>> & { readonly from: number };
  readonly longSegments: readonly (Segment & { readonly ter: number })[];
}>('translation');
const hypotheses = translation.segments.map(segment => segment.hypothesis);
const referencesOf = ({ refs }: CorpusCase) =>
  translation.segments.map(segment => (refs === 'one' ? segment.references.slice(0, 1) : segment.references));
/** sacreBLEU's names of options, and ours. */
const NAMES: Readonly<Record<string, string>> = {
  smooth_method: 'smooth',
  smooth_value: 'smoothValue',
  effective_order: 'effectiveOrder',
  max_ngram_order: 'maxOrder',
  word_order: 'wordOrder',
  char_order: 'charOrder',
  eps_smoothing: 'epsSmoothing',
  no_punct: 'noPunctuation',
  asian_support: 'asianSupport',
  case_sensitive: 'caseSensitive',
};
const optionsOf = <T>({ options }: CorpusCase) =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [NAMES[name] ?? name, value])) as T;
const named = <T extends CorpusCase>(cases: readonly T[]) =>
  cases.map(one => [`${one.refs} ${JSON.stringify(one.options)}`, one] as const);

/** The corpus score, its signature and the scores of single segments. */
function compareCorpus(
  one: CorpusCase,
  corpus: { readonly score: number; readonly signature: string },
  segment: (hypothesis: string, references: readonly string[]) => { readonly score: number },
): void {
  expectNear([corpus.score], [one.score], 'corpus');
  expect(corpus.signature).toBe(one.signature.replace(/version:(.*)$/, 'version:heed-$1'));
  const references = referencesOf(one);
  const scores = hypotheses.map((hypothesis, i) => segment(hypothesis, references[i]!).score);
  if (one.sentences) expectNear(scores, one.sentences, 'segments');
}

describe('BLEU as sacreBLEU', () => {
  it.each(named(translation.bleu))('%s', (_, one) => {
    const options = optionsOf<BleuOptions>(one);
    const score = bleu(hypotheses, referencesOf(one), options);
    expectNear(score.precisions, one.precisions, 'precisions');
    expectNear(score.matches, one.counts, 'matches');
    expectNear(score.totals, one.totals, 'totals');
    expectNear([score.brevityPenalty], [one.bp], 'brevity penalty');
    expect([score.hypothesisLength, score.referenceLength]).toEqual([one.sysLen, one.refLen]);
    const effective = { ...options, effectiveOrder: true };
    compareCorpus(one, score, (hypothesis, references) => sentenceBleu(hypothesis, references, effective));
  });
  it.each(['13a', 'intl', 'zh'] as const)('cuts lines as %s does', name => {
    const { from } = translation.tokens;
    const seen = hypotheses.slice(from).map(line => bleuTokens(line.replace(/\s+$/, ''), name));
    expect(seen).toEqual(translation.tokens[name]);
  });
});

describe('chrF as sacreBLEU', () => {
  it.each(named(translation.chrf))('%s', (_, one) => {
    const options = optionsOf<ChrfOptions>(one);
    const score = chrf(hypotheses, referencesOf(one), options);
    compareCorpus(one, score, (hypothesis, references) => chrf([hypothesis], [references], options));
  });
});

describe('TER as sacreBLEU', () => {
  it.each(named(translation.ter))('%s', (_, one) => {
    const options = optionsOf<TerOptions>(one);
    const score = ter(hypotheses, referencesOf(one), options);
    expectNear([Math.floor(score.edits), score.referenceLength], [one.edits, one.refLen], 'edits');
    compareCorpus(one, score, (hypothesis, references) => ter([hypothesis], [references], options));
  });
  it('shifts phrases of long segments, and keeps to the beam and the number of tries', () => {
    const { longSegments } = translation;
    const seen = longSegments.map(({ hypothesis, references }) => ter([hypothesis], [references]).score);
    const expected = longSegments.map(segment => segment.ter);
    expectNear(seen, expected, 'segments');
  });
});

describe('corpus scores from counts', () => {
  const references = translation.segments.map(segment => segment.references);
  const scores: readonly (readonly [string, SegmentCounts, number])[] = [
    ['bleu', bleuCounts(hypotheses, references), bleu(hypotheses, references).score],
    ['chrf', chrfCounts(hypotheses, references), chrf(hypotheses, references).score],
    ['ter', terCounts(hypotheses, references), ter(hypotheses, references).score],
  ];
  it.each(scores)('%s has an interval around its score', (_, { rows, statistic }, score) => {
    const { value, low, high } = bootstrap(rows, statistic, { resamples: 200 });
    expect(value).toBe(score);
    expect(low).toBeLessThan(score);
    expect(high).toBeGreaterThan(score);
  });
  it('resamples as if the segments were scored anew', () => {
    const { rows, statistic } = bleuCounts(hypotheses, references);
    const anew = (sample: readonly number[]) =>
      bleu(
        sample.map(i => hypotheses[i]!),
        sample.map(i => references[i]!),
      ).score;
    const slow = bootstrap([...hypotheses.keys()], anew, { resamples: 5, seed: 3 });
    const quick = bootstrap(rows, statistic, { resamples: 5, seed: 3 });
    expectNear([quick.low, quick.high], [slow.low, slow.high], 'interval');
  });
});

describe('ROUGE as rouge-score', () => {
  const { cases, stems } = referenceCases<{
    readonly cases: readonly (Segment & Readonly<Record<'plain' | 'stem', Readonly<Record<string, number[]>>>>)[];
    readonly stems: Readonly<Record<string, string>>;
  }>('rouge');
  const figures = (scores: RougeScores) =>
    Object.values(scores).flatMap(({ precision, recall, f1 }) => [precision, recall, f1]);
  it.each([
    ['plain', false],
    ['stem', true],
  ] as const)('%s', (name, stem) => {
    for (const [i, one] of cases.entries()) {
      const types = Object.keys(one[name]) as RougeType[];
      const seen = rougeText(one.hypothesis, one.references, { types, stem });
      expectNear(figures(seen), Object.values(one[name]).flat(), `text ${i}`);
    }
  });
  it('stems words as NLTK', () => {
    expect(Object.fromEntries(Object.keys(stems).map(word => [word, porterStem(word)]))).toEqual(stems);
  });
  it('averages over texts', () => {
    const { scores, items } = rouge(
      cases.map(one => one.hypothesis),
      cases.map(one => one.references),
    );
    const mean = items.reduce((sum, item) => sum + item.rougeL!.recall, 0) / cases.length;
    expectNear([scores.rougeL!.recall], [mean], 'recall of rougeL');
  });
});

describe('entities as seqeval', () => {
  type Averages = Readonly<Record<'micro' | 'macro' | 'weighted', readonly number[] | null>>;
  type Report = Averages & { readonly types: readonly (readonly [string, ...number[]])[] };
  const { cases } = referenceCases<{
    readonly cases: readonly {
      readonly scheme?: TagScheme;
      readonly suffix?: boolean;
      readonly truth: readonly (readonly string[])[];
      readonly predictions: readonly (readonly string[])[];
      readonly strict?: Report;
      readonly strictOne?: Report;
      readonly default?: Report;
    }[];
  }>('sequence-labels');
  const figures = ({ precision, recall, f1, support }: PrecisionRecall) => [precision, recall, f1, support];
  const compare = (
    one: (typeof cases)[number],
    options: SequenceOptions,
    expected: Report | undefined,
    what: string,
  ) => {
    if (!expected) return;
    const suffix = one.suffix ?? false;
    const seen = sequenceReport(one.predictions, one.truth, { scheme: one.scheme, suffix, ...options });
    expect(seen.types.map(({ type }) => type)).toEqual(expected.types.map(([type]) => type));
    expectNear(seen.types.flatMap(figures), expected.types.flatMap(([, ...numbers]) => numbers) as number[], what);
    for (const name of ['micro', 'macro', 'weighted'] as const) {
      if (expected[name]) expectNear(figures(seen[name]), expected[name], `${what}, ${name}`);
    }
  };
  it.each(cases.map((one, i) => [`${i} ${one.scheme ?? 'edge'}`, one] as const))('case %s', (_, one) => {
    compare(one, { mode: 'strict' }, one.strict, 'strict');
    compare(one, { mode: 'strict', zeroDivision: 1 }, one.strictOne, 'strict, zero division 1');
    compare(one, {}, one.default, 'default');
  });
  it('has counts whose sums give the micro F1', () => {
    const { predictions, truth } = cases[4]!;
    const { rows, statistic } = sequenceCounts(predictions, truth);
    expect(bootstrap(rows, statistic, { resamples: 1 }).value).toBe(sequenceReport(predictions, truth).micro.f1);
  });
  it('refuses tags it cannot read', () => {
    expect(() => sequenceReport([['U-PER']], [['O']])).toThrow(/unknown tag; seen: "U-PER".*sequence 0, token 0/);
    expect(() => sequenceReport([['O']], [['E-X']], { mode: 'strict', scheme: 'IOB2' })).toThrow(/unknown tag/);
    expect(() => sequenceReport([['O']], [['O', 'O']])).toThrow(/1 predicted tags for 2 tokens/);
    expect(() => sequenceReport([['O']], [['O']], { mode: 'strict' })).toThrow(/tell no scheme/);
  });
});

describe('answers as SQuAD and MLQA', () => {
  const { cases } = referenceCases<{
    readonly cases: readonly {
      readonly language: AnswerLanguage;
      readonly prediction: string;
      readonly answers: readonly string[];
      readonly words: readonly string[];
      readonly v1?: readonly number[];
      readonly v2: readonly number[];
    }[];
  }>('answers');
  it.each(cases.map(one => [`${one.language} ${JSON.stringify([one.prediction, one.answers])}`, one] as const))(
    '%s',
    (_, { language, prediction, answers, words, v1, v2 }) => {
      expect(answerWords(prediction, language)).toEqual(words);
      for (const [version, expected] of [[1, v1] as const, [2, v2] as const]) {
        if (!expected) continue;
        const { exactMatch, f1 } = scoreAnswer(prediction, answers, { version, language });
        expectNear([exactMatch, f1], expected, `version ${version}`);
      }
    },
  );
  it('reports questions with and without an answer, and applies a threshold', () => {
    const predictions = ['Paris', 'Rome', ''];
    const answers = [['Paris'], [], []];
    const plain = scoreAnswers(predictions, answers);
    expect([plain.exactMatch, plain.answerable, plain.unanswerable]).toEqual([
      2 / 3,
      { exactMatch: 1, f1: 1, count: 1 },
      { exactMatch: 0.5, f1: 0.5, count: 2 },
    ]);
    const options = { noAnswerProbabilities: [0.1, 0.9, 0.2], noAnswerThreshold: 0.5 };
    expect(scoreAnswers(predictions, answers, options).exactMatch).toBe(1);
  });
});

type Figures = Readonly<Record<'micro' | 'macro' | 'weighted', readonly number[]>> & {
  readonly labels: readonly (readonly [Label, ...number[]])[];
};
const sklearn = referenceCases<{
  readonly classification: readonly {
    readonly truth: readonly Label[];
    readonly predictions: readonly Label[];
    readonly accuracy: number;
    readonly matthews: number;
    readonly confusion: readonly (readonly number[])[];
    readonly subset: readonly Label[];
    readonly zero: Figures;
    readonly one: Figures;
    readonly subsetZero: Figures;
    readonly positive?: Label;
    readonly binary?: readonly number[] | null;
  }[];
  readonly probabilities: readonly {
    readonly logits: readonly (readonly number[])[];
    readonly probabilities: readonly (readonly number[])[];
    readonly truth: readonly number[];
    readonly logLoss: number;
    readonly brierMulticlass: number;
    readonly brier?: number;
    readonly temperature?: number;
    readonly lossBefore?: number;
    readonly lossAfter?: number;
  }[];
  readonly regression: readonly {
    readonly predictions: readonly number[];
    readonly truth: readonly number[];
    readonly pearson: number;
    readonly spearman: number;
    readonly mse: number;
    readonly mae: number;
  }[];
}>('classification');

describe('labels as scikit-learn', () => {
  const figures = ({ precision, recall, f1 }: PrecisionRecall) => [precision, recall, f1];
  it.each(sklearn.classification.map((one, i) => [i, one] as const))('case %i', (_, one) => {
    const { predictions, truth } = one;
    const variants = [
      [one.zero, { zeroDivision: 0 }],
      [one.one, { zeroDivision: 1 }],
      [one.subsetZero, { labels: one.subset }],
    ] as const;
    for (const [expected, options] of variants) {
      const seen = classificationReport(predictions, truth, options);
      const rows = seen.labels.map(({ label, support, ...rest }) => [label, ...figures({ support, ...rest }), support]);
      expect(rows.map(([label]) => label)).toEqual(expected.labels.map(([label]) => label));
      expectNear(
        rows.flatMap(row => row.slice(1)) as number[],
        expected.labels.flatMap(([, ...n]) => n),
        'labels',
      );
      for (const name of ['micro', 'macro', 'weighted'] as const) expectNear(figures(seen[name]), expected[name], name);
    }
    expectNear([accuracy(predictions, truth), matthews(predictions, truth)], [one.accuracy, one.matthews], 'scores');
    expect(confusionMatrix(predictions, truth).counts).toEqual(one.confusion);
    if (one.binary) expectNear(figures(binaryF1(predictions, truth, one.positive!)), one.binary, 'binary');
  });
  it('says what is wrong with labels', () => {
    expect(() => accuracy(['a'], ['a', 'b'])).toThrow(/seen: 1 predictions and 2 truths/);
    expect(() => matthews([], [])).toThrow(/no score over no items/);
    expect(() => confusionMatrix(['c'], ['a'], ['a', 'b'])).toThrow(
      /an unknown label; seen: "c"; expected: one of \["a","b"\]/,
    );
    expect(() => binaryF1(['a'], ['b'], 'A')).toThrow(/does not occur/);
  });
});

describe('probabilities as scikit-learn', () => {
  it.each(sklearn.probabilities.map((one, i) => [i, one] as const))('case %i', (_, one) => {
    const seen = [logLoss(one.probabilities, one.truth), brierMulticlass(one.probabilities, one.truth)];
    expectNear(seen, [one.logLoss, one.brierMulticlass], 'scores');
    if (one.brier !== undefined) {
      const events = one.probabilities.map(row => row[1]!);
      expectNear([brier(events, one.truth.map(Boolean))], [one.brier], 'Brier');
    }
    if (one.temperature === undefined) return;
    const { temperature, lossBefore, lossAfter } = fitTemperature(one.logits, one.truth);
    const expected = [one.temperature, one.lossBefore!, one.lossAfter!];
    expectNear([temperature, lossBefore, lossAfter], expected, 'temperature');
  });
  it('keeps a temperature within bounds where all items are right', () => {
    const { temperature, atBound } = fitTemperature([[1, 0]], [0]);
    expect([temperature, atBound]).toEqual([0.01, true]);
  });
  it('refuses what is no distribution', () => {
    expect(() => logLoss([[2, -1]], [0])).toThrow(/not a distribution/);
    expect(() => logLoss([[0.5, 0.5]], [2])).toThrow(/seen: 2 for item 0; expected: an integer from 0 to 1/);
  });
});

describe('numbers as scipy', () => {
  it.each(sklearn.regression.map((one, i) => [i, one] as const))('case %i', (_, { predictions, truth, ...one }) => {
    const scores = [pearson, spearman, meanSquaredError, meanAbsoluteError].map(score => score(predictions, truth));
    expectNear(scores, [one.pearson, one.spearman, one.mse, one.mae], 'scores');
  });
  it('has no correlation with a constant', () => {
    expect(pearson([1, 2], [3, 3])).toBeNaN();
    expect(spearman([0.1, 0.1, 0.1], [1, 2, 3])).toBeNaN();
  });
});
