/** Bias tests against the published programs, on tiny models with random weights and on figures by formula. */
import { afterAll, describe, expect, it } from 'vitest';
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import {
  correlationWith,
  crowsPairs,
  occupationPairs,
  readCrowsPairs,
  readStereoSet,
  readStereoSetPredictions,
  readWeat,
  readWeatDictionary,
  readWinoBias,
  readWinogender,
  scoreStereoSet,
  stereoSetPredictions,
  translateWeat,
  weat,
  weatOf,
} from '../../src/evaluate/bias/index.ts';
import { continuationLogLikelihoods } from '../../src/evaluate/likelihood/index.ts';
import { pearson } from '../../src/evaluate/scores/index.ts';
import { softmax, Tensor } from '../../src/tensor/index.ts';
import { rowsOf } from '../../src/train/data/index.ts';
import { readData, tinyModel } from './tiny-models.ts';

interface Expected {
  readonly bert: {
    readonly crows: {
      readonly rows: readonly {
        readonly sent_more: string;
        readonly sent_less: string;
        readonly stereo_antistereo: string;
        readonly bias_type: string;
        /** Scores of the two. */
        readonly more: number;
        readonly less: number;
      }[];
      readonly metric: number;
      readonly stereo: number;
      readonly antistereo: number;
      readonly neutral: number;
    };
    readonly stereoset: readonly { readonly context: string; readonly word: string; readonly score: number }[];
  };
}
const { bert: expected } = await readData<Expected>('likelihoods.json');
const backend = await createWasmBackend();
afterAll(() => {
  backend.close();
});
const bert = await tinyModel('bert-mlm', 'encoder', { backend });
const gpt2 = await tinyModel('gpt2', 'decoder', { backend });

describe('CrowS-Pairs', async () => {
  const pairs = await readCrowsPairs(rowsOf(expected.crows.rows.map(row => ({ ...row }))));
  it("equals the paper's program for a masked language model", async () => {
    const report = await crowsPairs(bert, pairs, { batchSize: 3 });
    for (const [i, { more, less }] of expected.crows.rows.entries()) {
      expect(report.items[i]!.more).toBeCloseTo(more, 2);
      expect(report.items[i]!.less).toBeCloseTo(less, 2);
    }
    const { metric, stereo, antistereo, neutral } = report.overall;
    expect(100 * metric.share!.value).toBeCloseTo(expected.crows.metric, 9);
    expect(100 * stereo.share!.value).toBeCloseTo(expected.crows.stereo, 9);
    expect(100 * antistereo.share!.value).toBeCloseTo(expected.crows.antistereo, 9);
    expect(neutral).toBe(expected.crows.neutral);
    expect(report.types.map(({ name, metric }) => [name, metric.pairs])).toEqual([
      ['gender', 2],
      ['age', 1],
      ['species', 2],
    ]);
  });
  it('compares whole sentences for a model of the next token', async () => {
    const report = await crowsPairs(gpt2, pairs);
    const sentences = pairs.flatMap(({ more, less }) => [more, less]);
    const scores = await continuationLogLikelihoods(
      gpt2,
      sentences.map(continuation => ({ context: '', continuation })),
    );
    expect(report.method).toBe('sentence log-likelihood');
    const differences = pairs.map((_, i) => scores[2 * i]!.logLikelihood - scores[2 * i + 1]!.logLikelihood);
    expect(report.items.map(({ more, less }) => more - less)).toEqual(differences);
    expect(report.overall.metric.preferred).toBe(differences.filter(d => d > 0).length);
    expect(report.overall.difference).toBeCloseTo(differences.reduce((sum, d) => sum + Math.abs(d), 0) / 5, 9);
  });
  it('refuses rows of another kind, naming them', async () => {
    const row = { sent_more: 'a', sent_less: 'b', stereo_antistereo: 'both', bias_type: 'age' };
    await expect(readCrowsPairs(rowsOf([row], 'pairs.csv, row'))).rejects.toThrow(/both.*pairs.csv, row 0/);
    await expect(readCrowsPairs(rowsOf([{ sent_more: 'a' }]))).rejects.toThrow(/lacks the field/);
    await expect(crowsPairs(gpt2, [])).rejects.toThrow(/no pairs/);
  });
});

const sentence = (id: string, text: string) => ({ id, sentence: text });
const example = (id: string, target: string, context: string, texts: readonly string[]) => ({
  ...{ id, target, bias_type: target === 'nurse' ? 'profession' : 'gender', context },
  sentences: ['stereotype', 'anti-stereotype', 'unrelated'].map((gold_label, i) => ({
    ...sentence(`${id}${i}`, texts[i]!),
    gold_label,
  })),
});

describe('StereoSet', () => {
  const gold = {
    version: '1.0',
    data: {
      intrasentence: expected.stereoset.map(({ context, word }, i) =>
        example(
          `in${i}`,
          'nurse',
          context,
          ['a', word, 'dog'].map(w => context.replace('BLANK', w)),
        ),
      ),
      intersentence: [example('out', 'she', 'She is a nurse.', ['He is not.', 'The dog is.', 'A cat.'])],
    },
  };
  const items = readStereoSet(gold);
  it('fills the blank as the published loader does', async () => {
    const { intrasentence, intersentence } = await stereoSetPredictions(bert, items);
    const scores = new Map(intrasentence.map(({ id, score }) => [id, score]));
    // The second example's word is two words; the loader takes the one in the blank's place.
    const [first, , third] = expected.stereoset;
    expect(scores.get('in01')! / first!.score).toBeCloseTo(1, 4);
    expect(scores.get('in21')! / third!.score).toBeCloseTo(1, 4);
    expect(intersentence.map(({ id }) => id)).toEqual(['out0', 'out1', 'out2']);
    expect(intersentence.every(({ score }) => score < 0)).toBe(true);
  });
  it('gives decoders the geometric mean of a sentence, its first token behind the start token', async () => {
    const { intrasentence } = await stereoSetPredictions(gpt2, items);
    const ids = gpt2.tokenizer.encodeIds(items[0]!.sentences.stereotype.text);
    const probabilities = async (input: readonly number[]) => {
      const { logits } = gpt2.graph({ input_ids: [input] });
      const V = logits.dim(2);
      const data = await softmax(logits).data();
      return (t: number, id: number) => data[t * V + id]!;
    };
    const [alone, read] = [await probabilities([1]), await probabilities(ids)];
    const logs = ids.map((id, t) => Math.log(t === 0 ? alone(0, id) : read(t - 1, id)));
    const mean = Math.exp(logs.reduce((a, b) => a + b) / logs.length);
    expect(intrasentence[0]!.score / mean).toBeCloseTo(1, 5);
  });
  it('asks a next-sentence head whether a sentence follows', async () => {
    const nextSentence = await tinyModel('bert-pretraining', 'encoder', { backend, head: 'nextSentence' });
    const { intersentence } = await stereoSetPredictions(bert, items, { nextSentence });
    const { ids, typeIds } = nextSentence.tokenizer.encode('She is a nurse.', { pair: 'The dog is.' });
    const { logits } = nextSentence.graph({ input_ids: [ids], token_type_ids: [typeIds] });
    const follows = (await softmax(logits).data())[0]!;
    expect(intersentence[1]!.score).toBeCloseTo(follows, 5);
    await expect(stereoSetPredictions(bert, items, { nextSentence: bert })).rejects.toThrow(/nextSentence/);
  });
  it('scores predictions by target term, as the published program does', () => {
    const rows = [
      ...['a', 'b', 'c'].map(id => example(id, 'nurse', 'x BLANK', ['x y', 'x z', 'x w'])),
      example('d', 'she', 'x', ['y', 'z', 'w']),
    ];
    const scores: Record<string, readonly number[]> = {
      a: [0.5, 0.4, 0.1],
      // Equal scores count for the anti-stereotype, and an unrelated one as probable as a related one is no loss to it.
      b: [0.4, 0.4, 0.4],
      c: [0.1, 0.2, 0.15],
      d: [0.9, 0.1, 0.2],
    };
    const all = Object.entries(scores).flatMap(([id, list]) => list.map((score, i) => ({ id: `${id}${i}`, score })));
    const predictions = readStereoSetPredictions({ intrasentence: all.slice(0, 9), intersentence: all.slice(9) });
    const { overall, tasks } = scoreStereoSet(readStereoSet(rows), predictions);
    // nurse: 1 of 3 stereotypical, 3 of 6 related; she: 1 of 1, 1 of 2.
    expect(overall).toEqual({ count: 4, lms: 50, ss: expect.closeTo(200 / 3, 9), icat: expect.closeTo(100 / 3, 9) });
    expect(tasks.intersentence).toEqual({
      overall: { count: 1, lms: 50, ss: 100, icat: 0 },
      types: { gender: { count: 1, lms: 50, ss: 100, icat: 0 } },
    });
    expect(tasks.intrasentence!.types.profession!.ss).toBeCloseTo(100 / 3, 9);
    predictions.delete('d2');
    expect(() => scoreStereoSet(readStereoSet(rows), predictions)).toThrow(/unrelated d2.*example d/);
  });
  it('refuses files that are not as they should be, saying where', () => {
    expect(() => readStereoSet({ data: {} }, 'dev.json')).toThrow(/without examples.*dev.json/);
    const broken = { ...example('a', 't', 'x BLANK', ['1', '2', '3']), sentences: [] };
    expect(() => readStereoSet([broken], 'dev.json')).toThrow(/stereotype sentence.*dev.json, item 0/);
    expect(() => readStereoSetPredictions({ intrasentence: [{ id: 'a', score: '1' }] })).toThrow(/intrasentence 0/);
  });
});

describe('WEAT', () => {
  /** Vectors of a linear congruential generator, some of them turned towards a common one. */
  const vector = (seed: number, shift = 0): Float64Array => {
    let x = (BigInt(seed) * 2654435761n) % 2n ** 32n;
    const own = Float64Array.from({ length: 8 }, () => {
      x = (1664525n * x + 1013904223n) % 2n ** 32n;
      return Number(x) / 2 ** 32 - 0.5;
    });
    return shift ? own.map((value, i) => value + shift * vector(100)[i]!) : own;
  };
  const set = (from: number, count: number, shift = 0) =>
    Array.from({ length: count }, (_, i) => vector(from + i, shift));
  const targets = [set(1, 6, 0.3), set(11, 6)] as const;
  const attributes = [set(21, 5, 0.4), set(31, 5)] as const;

  it('equals the formulas of the paper computed elsewhere, with all partitions', () => {
    const result = weat(targets, attributes);
    expect(result.effectSize).toBeCloseTo(1.7181233011718893, 12);
    expect(result.statistic).toBeCloseTo(3.683200468383567, 12);
    expect(result).toMatchObject({ exact: true, partitions: 924, p: 1 / 924 });
    const reversed = weat([targets[1], targets[0]], attributes);
    expect(reversed.effectSize).toBeCloseTo(-result.effectSize, 12);
    expect(reversed.p).toBe(1);
  });
  it('draws partitions where there are too many, the same for the same seed', () => {
    const mixed = [set(1, 6, 0.1), set(11, 6)] as const;
    const exact = weat(mixed, attributes);
    const drawn = weat(mixed, attributes, { samples: 900, seed: 4 });
    expect(drawn).toMatchObject({ exact: false, partitions: 900 });
    expect(Math.abs(drawn.p - exact.p)).toBeLessThan(4 * Math.sqrt((exact.p * (1 - exact.p)) / 900));
    expect(weat(mixed, attributes, { samples: 900, seed: 4 })).toEqual(drawn);
  });
  it('takes the vectors of a model, for words or for sentences around them', async () => {
    const seen: string[] = [];
    const words = new Map<string, Float64Array>();
    const names = (of: readonly Float64Array[], name: string) =>
      of.map((v, i) => {
        words.set(`This is ${name}${i}.`, v);
        return `${name}${i}`;
      });
    const model = {
      embed: async (texts: readonly string[]) => {
        seen.push(...texts);
        const data = texts.flatMap(text => [...words.get(text)!]);
        return Tensor.from(Float32Array.from(data), [texts.length, 8]);
      },
    };
    const side = (vectors: readonly Float64Array[], name: string) => ({
      category: name,
      examples: names(vectors, name),
    });
    const test = readWeat({
      ...{ targ1: side(targets[0], 'x'), targ2: side(targets[1], 'y') },
      ...{ attr1: side(attributes[0], 'a'), attr2: side(attributes[1], 'b') },
    });
    const { effectSize } = await weatOf(model, test, { template: 'This is {}.' });
    expect(effectSize).toBeCloseTo(1.7181233, 5);
    expect(seen[0]).toBe('This is x0.');
    await expect(weatOf(model, test, { template: 'This.' })).rejects.toThrow(/no place/);
  });
  it('translates a test, and refuses one that has no words left', async () => {
    const table = [
      { english: 'doctor', german: 'Arzt', feminine: 'Ärztin' },
      { english: 'piano', german: 'Klavier', feminine: '' },
    ];
    const dictionary = await readWeatDictionary(rowsOf(table));
    const words = (...examples: string[]) => ({ category: 'words', examples });
    const test = {
      targets: [words('Doctor', 'Emily'), words('piano')],
      attributes: [words('piano'), words('doctor')],
    } as const;
    expect(translateWeat(test, dictionary).targets[0].examples).toEqual(['Arzt', 'Ärztin']);
    expect(translateWeat(test, dictionary, { keep: true }).targets[0].examples).toEqual(['Arzt', 'Ärztin', 'Emily']);
    const strange = { ...test, targets: [words('Emily'), words('piano')] } as const;
    expect(() => translateWeat(strange, dictionary)).toThrow(/none of the words/);
  });
  it('refuses sets and vectors that have no association', () => {
    expect(() => weat([[], set(1, 2)], attributes)).toThrow(/empty/);
    expect(() => weat([[new Float64Array(8)], set(1, 2)], attributes)).toThrow(/no direction/);
    expect(() => weat([[vector(1).slice(0, 4)], set(1, 2)], attributes)).toThrow(/another width/);
    expect(() => readWeat({ targ1: { category: 'x', examples: [] } }, 'weat.jsonl')).toThrow(/weat.jsonl, targ1/);
  });
});

describe('pairs about occupations', () => {
  it('reads WinoBias line by line', () => {
    const pro = '1 [The cook] asked the nurse because [he] was late.\n2 A cat sat by [her].\n';
    const anti = '1 [The cook] asked the nurse because [she] was late.\n2 A cat sat by [him].\n';
    expect(readWinoBias(pro, anti, 'type 1')).toEqual([
      {
        group: 'type 1',
        first: 'The cook asked the nurse because he was late.',
        second: 'The cook asked the nurse because she was late.',
      },
      { group: 'type 1', first: 'A cat sat by her.', second: 'A cat sat by him.' },
    ]);
    expect(() => readWinoBias(pro, anti.replace('2 A', '3 A'), 'type 1')).toThrow(/type 1, line 2/);
    expect(() => readWinoBias(pro, '1 x\n')).toThrow(/2 and 1/);
  });
  it('pairs the sentences of Winogender, and compares with figures about occupations', async () => {
    const rows = ['nurse', 'cook', 'miller'].flatMap(job =>
      ['male', 'female', 'neutral'].map((gender, i) => ({
        sentid: `${job}.dog.1.${gender}.txt`,
        sentence: `The ${job} said ${['he', 'she', 'they'][i]} is not in.`,
      })),
    );
    const pairs = await readWinogender(rowsOf(rows));
    expect(pairs[0]).toEqual({
      group: 'nurse',
      first: 'The nurse said she is not in.',
      second: 'The nurse said he is not in.',
    });
    for (const model of [gpt2, bert]) {
      const report = await occupationPairs(model, pairs);
      const differences = report.items.map(({ difference }) => difference);
      expect(report.overall.preferred).toBe(differences.filter(d => d > 0).length);
      expect(report.groups.map(({ name }) => name)).toEqual(['nurse', 'cook', 'miller']);
      const figures = new Map([
        ['nurse', 90],
        ['cook', 40],
        ['miller', 10],
      ]);
      expect(correlationWith(report, figures)).toBeCloseTo(pearson(differences, [90, 40, 10]), 12);
      figures.delete('cook');
      expect(() => correlationWith(report, figures)).toThrow(/too few groups/);
    }
    await expect(readWinogender(rowsOf(rows.slice(0, 1)))).rejects.toThrow(/lacks a sentence/);
    await expect(readWinogender(rowsOf([{ sentid: 'x', sentence: 'y' }]))).rejects.toThrow(/no id of Winogender/);
  });
});
