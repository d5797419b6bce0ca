import { describe, expect, it } from 'vitest';
import { realizeStory, sampleDocument, sampleFrame, sampleStory } from './document.ts';
import { realize } from './realize.ts';
import type { Sentence } from './sentence.ts';
import { createChoices } from './world/choices.ts';
import { hasHeldOut, isExempt, type Split } from './world/split.ts';

describe('sentences of the grammar', () => {
  it('are unambiguous: equal text means equal meaning and probability, in both languages', () => {
    const choices = createChoices(11);
    const seen = { de: new Map<string, string>(), en: new Map<string, string>() };
    let repeated = 0;
    for (let i = 0; i < 20_000; i++) {
      choices.rewind(0);
      const frame = sampleFrame(choices);
      const derivation = `${JSON.stringify(frame)} ${choices.logProbability.toFixed(6)}`;
      for (const language of ['de', 'en'] as const) {
        const { text } = realize(frame, language);
        const before = seen[language].get(text);
        if (before !== undefined) repeated++;
        expect(before ?? derivation, text).toBe(derivation);
        seen[language].set(text, derivation);
      }
    }
    expect(repeated).toBeGreaterThan(1000);
  }, 120_000);

  it('come as often as their log-probability says', () => {
    const choices = createChoices(12);
    const n = 30_000;
    const counts = new Map<string, { count: number; logProbability: number }>();
    for (let i = 0; i < n; i++) {
      choices.rewind(0);
      const { text } = realize(sampleFrame(choices, 'train'), 'de');
      const entry = counts.get(text) ?? { count: 0, logProbability: choices.logProbability };
      entry.count++;
      counts.set(text, entry);
    }
    // The sentences above 1 in 8,000 together. The other half of the split is drawn again, which makes each of these up to
    // 1 / 0.9 times as frequent.
    const common = [...counts.values()].filter(({ logProbability }) => logProbability > Math.log(1 / 8000));
    const expected = common.reduce((sum, { logProbability }) => sum + n * Math.exp(logProbability), 0);
    const found = common.reduce((sum, { count }) => sum + count, 0);
    expect(common.length).toBeGreaterThan(15);
    expect(found).toBeGreaterThan(expected / 0.9 - 4 * Math.sqrt(expected));
    expect(found).toBeLessThan(expected / 0.9 + 4 * Math.sqrt(expected));
  }, 120_000);
});

describe('splits', () => {
  function documents(split: Split, count: number, seed: number) {
    const choices = createChoices(seed);
    return Array.from({ length: count }, () => sampleDocument(choices, { split }));
  }
  const content = (sentences: readonly Sentence[]) => sentences.filter(({ frame }) => !isExempt(frame));

  it('share no sentence, and no held-out pair stands in train or test', () => {
    const texts = (split: Split, count: number, seed: number) => {
      const sentences = documents(split, count, seed).flatMap(document => document.sentences);
      for (const { frame, text } of sentences) expect(hasHeldOut(frame), text).toBe(false);
      return new Set(content(sentences).map(({ text }) => text));
    };
    const train = texts('train', 3000, 21);
    const test = texts('test', 600, 22);
    expect(train.size).toBeGreaterThan(5000);
    expect([...test].filter(text => train.has(text))).toEqual([]);
  }, 120_000);

  it('put both languages of a sentence on one side', () => {
    const choices = createChoices(23);
    for (let i = 0; i < 200; i++) {
      const { story } = sampleStory(choices, { split: 'test', language: 'de' });
      expect(realizeStory(story!.plan, 'en').sentences.map(({ frame }) => frame)).toEqual(story!.plan.frames);
    }
  }, 60_000);

  it('have a held-out pair in every document of combinations', () => {
    for (const { sentences, text } of documents('combination', 300, 24)) {
      expect(
        sentences.some(({ frame }) => hasHeldOut(frame)),
        text,
      ).toBe(true);
    }
  }, 60_000);
});

describe('stories', () => {
  it('repeat themselves for a seed', () => {
    const texts = (seed: number) => {
      const choices = createChoices(seed);
      return Array.from({ length: 20 }, () => sampleDocument(choices).text);
    };
    expect(texts(31)).toEqual(texts(31));
    expect(texts(31)).not.toEqual(texts(32));
  });

  it('have pronouns that agree with what they mean, and nothing else within reach that would', () => {
    const choices = createChoices(33);
    let pronouns = 0;
    for (let i = 0; i < 400; i++) {
      const { sentences, text } = sampleStory(choices, { language: 'de' });
      for (const [number, { words }] of sentences.entries()) {
        for (const word of words) {
          if (word.pos !== 'PRON' || word.features.PronType !== 'Prs' || word.features.Reflex) continue;
          pronouns++;
          const antecedent = sentences[word.antecedent!.sentence]!.words[word.antecedent!.word]!;
          expect(['NOUN', 'PROPN'], text).toContain(antecedent.pos);
          expect(antecedent.features.Number, text).toBe(word.features.Number);
          expect(antecedent.features.Gender, text).toBe(word.features.Gender);
          // Nouns of the sentence before that would agree all name the same one.
          const rivals = (sentences[number - 1]?.words ?? []).filter(
            other =>
              (other.pos === 'NOUN' || other.pos === 'PROPN') &&
              (other.relation === 'nsubj' || other.relation === 'obj') &&
              other.features.Gender === word.features.Gender &&
              other.features.Number === word.features.Number,
          );
          expect(new Set(rivals.map(({ lemma }) => lemma)).size, text).toBeLessThan(2);
        }
      }
    }
    expect(pronouns).toBeGreaterThan(200);
  }, 60_000);

  it('tell nothing twice', () => {
    const choices = createChoices(36);
    for (let i = 0; i < 400; i++) {
      const { sentences, text } = sampleStory(choices, { language: 'de' });
      expect(new Set(sentences.map(sentence => sentence.text)).size, text).toBe(sentences.length);
    }
  }, 60_000);

  it('recall the fact of the first sentence in the last', () => {
    const choices = createChoices(34);
    for (let i = 0; i < 200; i++) {
      const { sentences, story, text, starts } = sampleStory(choices);
      const { recall, summary } = story!;
      const fact = sentences[0]!.words[recall.fact.word]!;
      const word = sentences[recall.sentence]!.words[recall.word]!;
      expect(word.lemma, text).toBe(fact.lemma);
      expect(recall.answer).toBe(word.text);
      expect(recall.sentence).toBe(sentences.length - 1);
      expect(text.slice(starts[recall.sentence]! + word.start, starts[recall.sentence]! + word.end)).toBe(word.text);
      expect(realize(summary, 'de').words.filter(({ pos, antecedent }) => pos === 'PRON' && !antecedent)).toEqual([]);
      expect(sentences.length).toBeGreaterThanOrEqual(3);
      expect(sentences.length).toBeLessThanOrEqual(10);
      expect(text.split(' ').length).toBeLessThanOrEqual(150);
    }
  }, 60_000);

  it('have the distance that is asked for', () => {
    const choices = createChoices(35);
    for (const distance of [5, 12, 30, 60, 100]) {
      const { distanceInWords } = sampleStory(choices, { distance, language: 'de' }).story!.recall;
      expect(Math.abs(distanceInWords - distance)).toBeLessThanOrEqual(Math.max(2, distance * 0.05));
    }
    expect(() => sampleStory(choices, { distance: 500 })).toThrow('no story with this distance');
  }, 60_000);
});
