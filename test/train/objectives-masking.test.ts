/** Objectives that hide or replace tokens: shares against the published ones, what is never touched, whole words, pairs. */
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/train/data/index.ts';
import { INSIDE, markedTokens, rangesFrom, SENTENCE, sentenceStarts, WORD } from '../../src/train/objectives/marks.ts';
import { choosePlaces, maskedLM } from '../../src/train/objectives/masked-lm.ts';
import { drawPair, nextSentence } from '../../src/train/objectives/next-sentence.ts';
import { replacedToken } from '../../src/train/objectives/replaced-token.ts';
import { createRng } from '../../src/util/rng.ts';
import { MASK_TOKENIZER, PAIR_TOKENIZER, randomText, TEXT_TOKENIZER } from './objectives-tokenizers.ts';

const rng = createRng(17);
const rowOf = (fields: Record<string, unknown>) => [...rowsOf([fields])][0]!;
const rngs = (count: number, seed: number) => Array.from({ length: count }, (_, i) => createRng(seed, i));
const table = (rows: unknown) => Array.from(rows as ArrayLike<number>[], row => Array.from(row));
/** Four standard deviations of a share of n draws. */
const spread = (p: number, n: number) => 4 * Math.sqrt((p * (1 - p)) / n);

describe('masked tokens', () => {
  const { mask, cls, sep } = PAIR_TOKENIZER.specialTokens;
  const objective = maskedLM({ tokenizer: PAIR_TOKENIZER, length: 66 });
  const ids = Array.from({ length: 64 }, () => 5 + rng.below(80));
  const count = 1000;
  const { inputs, tokens, examples } = objective.batch(
    new Array(count).fill({ ids, marks: ids.map(() => WORD) }),
    rngs(count, 1),
  );
  const [seen, labels] = [table(inputs.input_ids), table(inputs.labels)];

  it('are round(15 %) of each text, framed, never the tokens around it', () => {
    for (const [i, row] of seen.entries()) {
      expect(row.length).toBe(66);
      expect([row[0], row[65]]).toEqual([cls, sep]);
      expect([labels[i]![0], labels[i]![65]]).toEqual([-100, -100]);
      expect(labels[i]!.filter(label => label !== -100).length).toBe(10);
    }
    expect([tokens, examples]).toEqual([10 * count, count]);
    expect(inputs.attention_mask).toBeUndefined();
  });
  it('are masks in 80 %, others in 10 %, themselves in 10 %; labels are the text', () => {
    let [masks, same, other] = [0, 0, 0];
    const places = new Array<number>(64).fill(0);
    for (const [b, row] of seen.entries())
      for (let t = 0; t < 64; t++) {
        const [id, label] = [row[t + 1]!, labels[b]![t + 1]!];
        if (label === -100) {
          expect(id).toBe(ids[t]);
          continue;
        }
        expect(label).toBe(ids[t]);
        places[t]!++;
        if (id === mask) masks++;
        else if (id === label) same++;
        else other++;
      }
    const n = 10 * count;
    const any = 1 / PAIR_TOKENIZER.vocabSize;
    expect(Math.abs(masks / n - 0.8 - 0.1 * any)).toBeLessThan(spread(0.8, n));
    expect(Math.abs(same / n - 0.1 - 0.1 * any)).toBeLessThan(spread(0.1, n));
    expect(Math.abs(other / n - 0.1 + 0.2 * any)).toBeLessThan(spread(0.1, n));
    for (const hits of places) expect(Math.abs(hits / count - 10 / 64)).toBeLessThan(spread(10 / 64, count));
  });
  it('as whole words take all pieces of a word, and about 15 % of the tokens', () => {
    const text = randomText(60, createRng(5));
    const { ids, marks } = markedTokens(PAIR_TOKENIZER, text);
    const words = rangesFrom(marks, WORD);
    expect(words.some(([from, to]) => to - from > 2)).toBe(true);
    const whole = maskedLM({ tokenizer: PAIR_TOKENIZER, length: ids.length + 2, wholeWord: true });
    const batch = whole.batch(new Array(400).fill({ ids, marks }), rngs(400, 2));
    const wanted = Math.round(0.15 * ids.length);
    for (const row of table(batch.inputs.labels)) {
      const chosen = row.slice(1, -1).map(label => label !== -100);
      for (const [from, to] of words) expect(new Set(chosen.slice(from, to)).size).toBe(1);
      const hits = chosen.filter(Boolean).length;
      expect(hits).toBeGreaterThan(wanted - 4);
      expect(hits).toBeLessThanOrEqual(wanted);
    }
    // A single word of many pieces is taken even if it is more than the share.
    expect(choosePlaces([WORD, INSIDE, INSIDE], 0.15, true, createRng(1))).toEqual([0, 1, 2]);
    for (const whole of [true, false]) expect(choosePlaces([0, 0], 0.15, whole, createRng(1))).toEqual([]);
  });
  it('of packed rows leave the separators of documents alone', () => {
    const packedOnes = maskedLM({ tokenizer: MASK_TOKENIZER, length: 20, mlmProbability: 1 });
    const [one] = packedOnes.encode(rowOf({ text: 'the dog' }));
    expect(Array.from(one!.ids).at(-1)).toBe(MASK_TOKENIZER.specialTokens.eos);
    const { inputs } = packedOnes.batch([one!], rngs(1, 3));
    expect(table(inputs.labels)[0]!.map(label => label !== -100)).toEqual([false, true, true, false, false]);
    expect(packedOnes.blockLength).toBe(18);
    expect(packedOnes.encode(rowOf({ text: '' }))).toEqual([]);
  });
  it('need a mask token, text and room', () => {
    expect(() => maskedLM({ tokenizer: TEXT_TOKENIZER, length: 8 })).toThrow(/needs a mask token.*masked-lm/);
    const masked = (more: object) => () => maskedLM({ tokenizer: PAIR_TOKENIZER, length: 9, ...more });
    expect(masked({ mlmProbability: 15 })).toThrow(/mlmProbability is a share.*seen: 15/);
    expect(masked({ randomReplaceProb: 0.3 })).toThrow(/masked or replaced is a share.*seen: 1.1/);
    expect(() => maskedLM({ tokenizer: PAIR_TOKENIZER, length: 2 })).toThrow(/no room.*from 3/);
    expect(() => objective.encode(rowOf({ txt: 'a' }))).toThrow(/lacks a column.*seen: txt.*expected: text.*row 0/);
    expect(() => objective.encode(rowOf({ text: 7 }))).toThrow(/column text holds no text.*seen: 7/);
  });
});

describe('marks', () => {
  it('tell where sentences begin', () => {
    const text = 'One two.  "Three?" he said. 3.14 is pi!\nNew line, e.g. this… End';
    const parts = sentenceStarts(text).map(start => text.slice(start, start + 5));
    expect(parts).toEqual(['One t', '"Thre', 'he sa', '3.14 ', 'New l', 'this…', 'End']);
    expect(sentenceStarts('  ')).toEqual([]);
    const { ids, marks } = markedTokens(PAIR_TOKENIZER, 'The dogs. A cat! x');
    const tokens = ids.map(id => PAIR_TOKENIZER.idToToken(id));
    expect(tokens).toEqual(['the', 'dog', '##s', '.', 'a', 'cat', '!', 'x']);
    expect(marks.map(mark => (mark & SENTENCE ? 'S' : mark & INSIDE ? '-' : 'w')).join('')).toBe('Sw-wSwwS');
  });
});

describe('pairs of passages', () => {
  const marked = (text: string) => markedTokens(PAIR_TOKENIZER, text);
  const [a, b] = [marked('a dog. the cat. a bird. the tree.'), marked('old house. red house. small house.')];
  const house = PAIR_TOKENIZER.tokenToId('house')!;

  it('follow each other in half of the cases', () => {
    let random = 0;
    for (let seed = 0; seed < 4000; seed++) {
      const pair = drawPair(a, b, 99, createRng(seed));
      if (pair.random) {
        random++;
        expect(Array.from(pair.texts[1].ids)).toContain(house);
      } else expect([...Array.from(pair.texts[0].ids), ...Array.from(pair.texts[1].ids)]).toEqual(a.ids);
      expect(pair.texts.map(text => text.marks[0]! & SENTENCE)).toEqual([SENTENCE, SENTENCE]);
    }
    expect(Math.abs(random / 4000 - 0.5)).toBeLessThan(spread(0.5, 4000));
    const single = marked('a dog');
    for (let seed = 0; seed < 20; seed++) expect(drawPair(single, b, 99, createRng(seed)).random).toBe(true);
  });
  it('are shortened at the longer text, at both ends', () => {
    const cuts = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const { texts } = drawPair(a, b, 6, createRng(seed));
      const sizes = texts.map(({ ids }) => ids.length);
      expect(sizes[0]! + sizes[1]!).toBe(6);
      expect(Math.abs(sizes[0]! - sizes[1]!)).toBeLessThanOrEqual(1);
      cuts.add(`${Array.from(texts[0].ids)}`);
    }
    expect(cuts.size).toBeGreaterThan(4);
  });
  it('are framed, typed, masked and labelled, 10 % of them short', () => {
    const objective = nextSentence({ tokenizer: PAIR_TOKENIZER, length: 40 });
    const documents = Array.from({ length: 60 }, () => rowOf({ text: randomText(200, rng) }));
    const passages = documents.flatMap(row => objective.encode(row));
    for (const { ids, marks } of passages) {
      expect(ids.length).toBeLessThanOrEqual(37);
      expect(marks[0]! & SENTENCE).toBe(SENTENCE);
    }
    const count = passages.length;
    expect(count).toBeGreaterThan(600);
    const { inputs } = objective.batch(passages, rngs(count, 4), [...passages.slice(1), passages[0]!]);
    const [ids, types, labels] = [table(inputs.input_ids), table(inputs.token_type_ids), table(inputs.labels)];
    const random = Array.from(inputs.next_sentence_label!).reduce((n, label) => n + label, 0);
    // Passages of one sentence have no next one, so there are more random ones than half.
    expect(random / count).toBeGreaterThan(0.5 - spread(0.5, count));
    expect(random / count).toBeLessThan(0.75);
    const { sep, cls } = PAIR_TOKENIZER.specialTokens;
    ids.forEach((row, i) => {
      const real = row.slice(0, row.lastIndexOf(sep!) + 1);
      const middle = types[i]!.indexOf(1) - 1;
      expect(real[middle]).toBe(sep);
      expect(real[0]).toBe(cls);
      expect(real.length).toBeLessThanOrEqual(40);
      expect(types[i]!.slice(0, real.length)).toEqual(real.map((_, t) => Number(t > middle)));
      const hidden = labels[i]!.filter(label => label !== -100).length;
      const [first, second] = [middle - 1, real.length - middle - 2];
      expect(hidden).toBe(Math.max(1, Math.round(first * 0.15)) + Math.max(1, Math.round(second * 0.15)));
    });
  });
});

describe('replaced tokens', () => {
  it('are 15 % drawn anew, and labelled where they differ', () => {
    const objective = replacedToken({ tokenizer: PAIR_TOKENIZER, length: 102 });
    const ids = Array.from({ length: 100 }, () => 5 + rng.below(80));
    const { inputs, tokens } = objective.batch(new Array(500).fill({ ids }), rngs(500, 5));
    const [seen, labels] = [table(inputs.input_ids), table(inputs.labels)];
    let replaced = 0;
    seen.forEach((row, i) => {
      expect([labels[i]![0], labels[i]![101]]).toEqual([-100, -100]);
      const changed = row.slice(1, 101).map((id, t) => Number(id !== ids[t]));
      expect(labels[i]!.slice(1, 101)).toEqual(changed);
      const count = changed.reduce((a, b) => a + b, 0);
      expect(count).toBeLessThanOrEqual(15);
      replaced += count;
    });
    expect(tokens).toBe(50_000);
    const expected = 0.15 * (1 - 1 / PAIR_TOKENIZER.vocabSize);
    expect(Math.abs(replaced / 50_000 - expected)).toBeLessThan(spread(1 / PAIR_TOKENIZER.vocabSize, 7500));
  });
});
