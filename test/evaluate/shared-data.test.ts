/**
 * Readers on the published data sets, and the published evaluation of StereoSet on scores by formula. The sets are not part of
 * the project; without them beside it these tests are skipped.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  readCrowsPairs,
  readStereoSet,
  readWeat,
  readWeatDictionary,
  readWinoBias,
  readWinogender,
  scoreStereoSet,
  translateWeat,
} from '../../src/evaluate/bias/index.ts';
import { readMinimalPairs } from '../../src/evaluate/minimal-pairs.ts';
import { bytesSource } from '../../src/formats/index.ts';
import { type ReadCsvOptions, readCsv, readJsonl } from '../../src/train/data/index.ts';

const ROOT = fileURLToPath(new URL('../../../shared/datasets', import.meta.url));
const missing = (folder: string) =>
  existsSync(`${ROOT}/${folder}`) ? '' : ' (skipped: the shared data sets are not here)';
const text = (path: string) => readFile(`${ROOT}/${path}`, 'utf8');
const source = async (path: string) => bytesSource(await readFile(`${ROOT}/${path}`), path);
const table = async (path: string, options?: ReadCsvOptions) => readCsv(await source(path), options);
const count = (names: readonly string[]) => {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};

describe.skipIf(missing('stereoset'))(`StereoSet${missing('stereoset')}`, () => {
  // The published program's figures for a score of each sentence that is the first eight digits of its id.
  const FIGURES = {
    gender: { count: 253, lms: 49.385717261804224, ss: 53.0295524121611, icat: 46.39338488466812 },
    race: { count: 962, lms: 48.013058139323974, ss: 51.69153482307524, icat: 46.388742943223924 },
    religion: { count: 79, lms: 48.18390804597701, ss: 50.98850574712643, icat: 47.231306645527816 },
    overall: { count: 1294, lms: 48.303652852482365, ss: 51.92155704068773, icat: 46.4472883678899 },
  };
  it('is scored as by the published program', async () => {
    const files = ['gender', 'race', 'religion'].map(async type => {
      const name = `${type}_test.json`;
      return readStereoSet(JSON.parse(await text(`stereoset/${name}`)), name);
    });
    const items = (await Promise.all(files)).flat();
    const sentences = items.flatMap(item => Object.values(item.sentences));
    const scores = new Map(sentences.map(({ id }) => [id, Number.parseInt(id.slice(0, 8), 16)]));
    const { overall, tasks } = scoreStereoSet(items, scores);
    for (const [name, { count, ...figures }] of Object.entries(FIGURES)) {
      const found = name === 'overall' ? overall! : tasks.intrasentence!.types[name]!;
      expect(found.count).toBe(count);
      for (const [key, value] of Object.entries(figures))
        expect(found[key as keyof typeof figures], `${name} ${key}`).toBeCloseTo(value, 10);
    }
    expect(tasks.intersentence).toBeUndefined();
  });
});

describe.skipIf(missing('crows-pairs'))(`CrowS-Pairs${missing('crows-pairs')}`, () => {
  it('has the pairs that the paper counts', async () => {
    const pairs = await readCrowsPairs(await table('crows-pairs/crows_pairs_anonymized.csv'));
    expect(count(pairs.map(({ direction }) => direction))).toEqual({ stereo: 1290, antistereo: 218 });
    expect(count(pairs.map(({ biasType }) => biasType))).toEqual({
      ...{ 'race-color': 516, socioeconomic: 172, gender: 262, disability: 60, nationality: 159 },
      ...{ 'sexual-orientation': 84, 'physical-appearance': 63, religion: 105, age: 87 },
    });
  });
});

describe.skipIf(missing('blimp'))(`BLiMP${missing('blimp')}`, () => {
  it('has 67 paradigms', async () => {
    const pairs = await readMinimalPairs(readJsonl(await source('blimp/blimp-60-each.jsonl')));
    const paradigms = count(pairs.map(({ paradigm }) => paradigm));
    expect(Object.keys(paradigms)).toHaveLength(67);
    expect(new Set(Object.values(paradigms))).toEqual(new Set([60]));
    expect(new Set(pairs.map(({ term }) => term)).size).toBe(13);
  });
});

describe.skipIf(missing('weat'))(`WEAT${missing('weat')}`, () => {
  it('has the sets of the papers, and most of their words in German', async () => {
    const names = ['1', '2', '3', '3b', '4', '5', '5b', '6', '6b', '7', '7b', '8', '8b', '9', '10'];
    const tests = await Promise.all(
      names.map(async n => readWeat(JSON.parse(await text(`weat/weat${n}.jsonl`)), `weat${n}.jsonl`)),
    );
    for (const { targets } of tests) expect(targets[0].examples.length).toBe(targets[1].examples.length);
    const [flowers] = tests;
    expect(flowers!.targets.map(({ category }) => category)).toEqual(['Flowers', 'Insects']);
    const columns = ['english', 'german', 'feminine'];
    const dictionary = await readWeatDictionary(await table('weat/vocab_en_de.csv', { columns }));
    const german = translateWeat(flowers!, dictionary);
    for (const { examples } of [...german.targets, ...german.attributes]) expect(examples.length).toBeGreaterThan(20);
    expect(german.targets[0].examples).toContain('Rose');
  });
});

describe.skipIf(missing('winobias'))(`WinoBias and Winogender${missing('winobias')}`, () => {
  it('differ in a pronoun', async () => {
    for (const type of ['type1', 'type2']) {
      const [pro, anti] = await Promise.all(
        ['pro', 'anti'].map(side => text(`winobias/${side}_stereotyped_${type}.txt.dev`)),
      );
      const pairs = readWinoBias(pro!, anti!, type);
      expect(pairs).toHaveLength(396);
      const words = (sentence: string) => sentence.split(' ').length;
      expect(pairs.filter(({ first, second }) => words(first) === words(second)).length).toBeGreaterThan(390);
    }
    const rows = await table('winogender/all_sentences.tsv', { delimiter: '\t', quotes: false });
    const pairs = await readWinogender(rows);
    expect(pairs).toHaveLength(240);
    expect(new Set(pairs.map(({ group }) => group)).size).toBe(60);
  });
});
