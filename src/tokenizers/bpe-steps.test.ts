import { describe, expect, it, vi } from 'vitest';
import { createRng } from '../util/rng.ts';
import { mergeSymbols, newSymbols, type Symbols } from './bpe-merge.ts';
import { BpeSteps } from './bpe-steps.ts';
import { type Merges, mergesFromList, mergesFromRanks } from './merge-table.ts';
import { PackedTexts } from './packed-texts.ts';
import { Vocabulary } from './vocabulary.ts';

const LETTERS = ['a', 'b', 'c', '🐕'];
const BYTE = '<0x41>';

/** The vocabulary of random joins, each of tokens that are there by then; `order` gives the rank of each. */
function randomBpe(seed: number, order: (joins: number) => number[]) {
  const rng = createRng(seed);
  const texts = [...LETTERS, BYTE, '<unk>'];
  const joins: [string, string][] = [];
  const parts = [...LETTERS];
  while (joins.length < 150) {
    const part = () => parts[rng.below(2) === 0 ? rng.below(parts.length) : parts.length - 1 - rng.below(4)]!;
    // Some double a run of one letter.
    const run = joins.length % 20 === 0 ? 'a'.repeat(2 ** (joins.length / 20)) : undefined;
    let [left, right] = run && parts.includes(run) ? [run, run] : [part(), part()];
    if (left.length + right.length > 100) [left, right] = [LETTERS[rng.below(3)]!, LETTERS[rng.below(3)]!];
    const text = left + right;
    joins.push([left, right]);
    if (!texts.includes(text)) texts.push(text);
    parts.push(text);
  }
  const vocab = new Vocabulary(
    texts,
    texts.map((_, id) => id),
  );
  const merges = mergesFromList(vocab, PackedTexts.of(order(joins.length).flatMap(i => joins[i]!)));
  const symbolIds = [vocab.id(BYTE)!, vocab.id('<unk>')!];
  return { rng, vocab, merges, steps: new BpeSteps(vocab, merges, symbolIds) };
}

function symbolsOf(ids: readonly number[]): Symbols {
  const symbols = newSymbols(ids.length);
  symbols.count = ids.length;
  symbols.ids.set(ids);
  ids.forEach((_, i) => {
    symbols.starts[i] = 2 * i;
    symbols.ends[i] = 2 * i + 2;
  });
  return symbols;
}
const listed = ({ count, ids, starts, ends }: Symbols) =>
  Array.from({ length: count }, (_, i) => [ids[i]!, starts[i]!, ends[i]!]);

function byQueue(ids: readonly number[], merges: Merges) {
  const symbols = symbolsOf(ids);
  mergeSymbols(symbols, merges);
  return listed(symbols);
}

const asMade = (joins: number) => Array.from({ length: joins }, (_, i) => i);

describe('BpeSteps', () => {
  it.each([1, 2, 3, 4, 5, 6])('merges as the queue does, also around symbols that never join (vocabulary %i)', seed => {
    const { rng, merges, steps } = randomBpe(seed, asMade);
    const texts = [
      new Array<number>(900).fill(0),
      Array.from({ length: 900 }, (_, i) => i % 2),
      Array.from({ length: 900 }, (_, i) => (rng.below(30) === 0 ? LETTERS.length + rng.below(2) : i % 3)),
      ...Array.from({ length: 120 }, (_, length) => Array.from({ length }, () => rng.below(LETTERS.length))),
      Array.from({ length: 3000 }, () => rng.below(LETTERS.length + 2)),
      Array.from({ length: 300 }, () => new Array<number>(1 + rng.below(60)).fill(rng.below(3))).flat(),
    ];
    let served = 0;
    for (const ids of texts) {
      const symbols = symbolsOf(ids);
      if (!steps.merge(symbols)) expect(listed(symbols)).toEqual(listed(symbolsOf(ids)));
      else {
        expect(listed(symbols)).toEqual(byQueue(ids, merges));
        served++;
      }
    }
    expect(served).toBe(texts.length);
  });

  it('gives up on ranks that do not rise with the tokens, unless they make no difference', () => {
    let given = 0;
    for (let seed = 10; seed < 40; seed++) {
      const rng = createRng(seed);
      const shuffled = (joins: number) => asMade(joins).sort(() => rng.below(3) - 1);
      const { merges, steps } = randomBpe(seed, shuffled);
      for (let round = 0; round < 10; round++) {
        const ids = Array.from({ length: 200 }, () => rng.below(LETTERS.length));
        const symbols = symbolsOf(ids);
        if (steps.merge(symbols)) expect(listed(symbols)).toEqual(byQueue(ids, merges));
        else given++;
      }
    }
    expect(given).toBeGreaterThan(0);
  });

  it('leaves symbols that do join, though they are more than a character, to the queue', () => {
    const texts = ['a', BYTE, `a${BYTE}`, `${BYTE}${BYTE}`];
    const vocab = new Vocabulary(texts, [0, 1, 2, 3]);
    const merges = mergesFromRanks(vocab, vocab.ids());
    const steps = new BpeSteps(vocab, merges, [1]);
    expect(steps.merge(symbolsOf([0, 1]))).toBe(false);
    expect(steps.merge(symbolsOf([1, 1]))).toBe(false);
    expect(steps.merge(symbolsOf([0, 0]))).toBe(true);
  });

  it('leaves a text to the queue where each entry begins a thousand others', () => {
    const texts = Array.from({ length: 1000 }, (_, i) => 'a'.repeat(i + 1));
    const vocab = new Vocabulary(
      texts,
      texts.map((_, id) => id),
    );
    const merges = mergesFromRanks(vocab, vocab.ids());
    const find = vi.spyOn(merges, 'find');
    const ids = new Array<number>(3000).fill(0);
    expect(new BpeSteps(vocab, merges, []).merge(symbolsOf(ids))).toBe(false);
    expect(find.mock.calls.length).toBeLessThan(2_000_000);
  });

  it('looks up no more pairs for a symbol of a longer text', () => {
    const { rng, merges, steps } = randomBpe(7, asMade);
    const find = vi.spyOn(merges, 'find');
    const texts = (length: number) => [
      Array.from({ length }, () => rng.below(LETTERS.length)),
      new Array<number>(length).fill(0),
    ];
    for (const ids of [1_000, 100_000].flatMap(texts)) {
      find.mockClear();
      expect(steps.merge(symbolsOf(ids))).toBe(true);
      expect(find.mock.calls.length / ids.length).toBeLessThan(8);
    }
  });
});
