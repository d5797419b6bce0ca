import { describe, expect, it } from 'vitest';
import { sampleFrame, sampleStory } from '../document.ts';
import { grammatical, wordsOf } from '../parser/grammatical.ts';
import { realize } from '../realize.ts';
import { createChoices } from '../world/choices.ts';
import type { Clause, Language } from '../world/frame.ts';
import { sentimentOf } from '../world/sentiment.ts';
import { halfOf } from '../world/split.ts';
import {
  ENTITY_TAGS,
  entityRows,
  facts,
  fillMaskRows,
  minimalPairRows,
  questionRows,
  SENTIMENTS,
  sentimentRows,
  similarityRows,
  spellingRows,
  summaryRows,
  TASKS,
  type Task,
  type TaskName,
  translationRows,
} from './index.ts';
import { nearestForms, vocabulary } from './vocabulary.ts';

function take<T>(rows: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  for (const row of rows) if (taken.push(row) === count) break;
  return taken;
}
const LANGUAGES: readonly Language[] = ['de', 'en'];
const languageOf = (text: string): Language => (grammatical(text, 'de').ok ? 'de' : 'en');
const isSentence = (text: string) => LANGUAGES.some(language => grammatical(text, language).ok);

describe('every task', () => {
  it.each(Object.keys(TASKS) as TaskName[])('%s gives equal rows for equal seeds, others for others', name => {
    const task: Task<object> = TASKS[name];
    const rows = (seed: number, split: 'train' | 'test') => JSON.stringify(take(task({ seed, split }), 6));
    expect(rows(3, 'train')).toBe(rows(3, 'train'));
    expect(new Set([rows(3, 'train'), rows(4, 'train'), rows(3, 'test')]).size).toBe(3);
  });
  it('has the language that is asked for', () => {
    for (const language of LANGUAGES)
      for (const { text } of take(sentimentRows({ seed: 1, language }), 30)) expect(languageOf(text)).toBe(language);
  });
  it('shares no longer sentence between train and test', () => {
    const texts = (split: 'train' | 'test') =>
      take(similarityRows({ seed: 1, split, language: 'de' }), 600).map(({ sentence1 }) => sentence1);
    const train = new Set(texts('train'));
    expect(texts('test').filter(text => train.has(text) && text.split(' ').length > 4)).toEqual([]);
  });
});

describe('sentiment', () => {
  it('has the three in equal shares', () => {
    const rows = take(sentimentRows({ seed: 1 }), 600);
    for (const label of SENTIMENTS) expect(rows.filter(row => row.label === label).length).toBeGreaterThan(150);
  });
  const clause = (verb: string, more: Partial<Clause> = {}): Clause => ({
    ...{ verb, tense: 'past', agent: { head: 'Anna', form: 'name' }, first: 'agent' },
    ...more,
  });
  const negated = true;
  const bad = clause('hate', { patient: { head: 'film', form: 'noun', determiner: 'the' } });
  it.each([
    ['gut', clause('be', { quality: 'good' }), 'positive'],
    ['nicht gut', clause('be', { quality: 'good', negated }), 'negative'],
    ['nicht schlecht', clause('be', { quality: 'bad', negated }), 'neutral'],
    ['nicht froh', clause('be', { quality: 'glad', negated }), 'neutral'],
    ['nicht enttäuscht', clause('be', { quality: 'disappointed', negated }), 'neutral'],
    ['mag nicht', clause('like', { negated }), 'negative'],
    ['mag keine Suppe', clause('like', { patient: { head: 'soup', form: 'noun', determiner: 'no' } }), 'negative'],
    ['hasst nicht', clause('hate', { negated }), 'neutral'],
    ['kann nicht loben', clause('praise', { negated, modal: 'can' }), 'neutral'],
  ] as const)('%s', (_, main, sentiment) => {
    expect(sentimentOf(main)).toBe(sentiment);
  });
  it.each([
    ['and', clause('love'), bad, 'neutral'],
    ['and', clause('sleep'), bad, 'negative'],
    ['but', clause('love'), bad, 'negative'],
    ['because', clause('love'), bad, 'positive'],
    ['that', clause('say'), bad, 'negative'],
  ] as const)('of two clauses with %s (%#)', (word, main, second, sentiment) => {
    expect(sentimentOf(main, { word, clause: second })).toBe(sentiment);
  });
});

describe('entities', () => {
  const rows = take(entityRows({ seed: 1 }), 400);
  it('has a known tag for each word', () => {
    for (const { tokens, ner_tags } of rows) {
      expect(ner_tags.length).toBe(tokens.length);
      expect(ner_tags.filter(tag => !ENTITY_TAGS.includes(tag))).toEqual([]);
    }
    expect(new Set(rows.flatMap(({ ner_tags }) => ner_tags))).toEqual(
      new Set(ENTITY_TAGS.filter(tag => tag !== 'I-LOC' && tag !== 'I-ANIMAL')),
    );
  });
  it('goes on only with what began', () => {
    for (const { ner_tags } of rows)
      for (const [i, tag] of ner_tags.entries())
        if (tag.startsWith('I-')) expect(ner_tags[i - 1]?.slice(2)).toBe(tag.slice(2));
  });
});

describe('questions', () => {
  const rows = take(questionRows({ seed: 1 }), 1200);
  it('has the answer where it says, counted in code points', () => {
    for (const { context, question, answers } of rows) {
      expect(question).toMatch(/^\p{Lu}.*[^ ]\?$/u);
      expect(answers.answer_start.length).toBe(answers.text.length);
      for (const [i, text] of answers.text.entries()) {
        const start = answers.answer_start[i]!;
        expect(
          Array.from(context)
            .slice(start, start + text.length)
            .join(''),
        ).toBe(text);
        expect(text).not.toMatch(/[.,]$|^(er|sie|es|he|she|it|they|ihn|ihm|ihr|him|her)$/i);
        // Neither whom the question itself names, as the owner of what is asked for, nor nobody.
        expect(question.toLowerCase().split(/[ ?]/)).not.toContain(text.toLowerCase());
        expect(text).not.toMatch(/^(kein|no )/i);
      }
    }
  });
  it('takes every name of a pet for right', () => {
    let seen = 0;
    for (const { context, question, answers } of rows) {
      const [, name] = /^\w+s Hund (?:heißt|hieß) (\w+)\./.exec(context) ?? [];
      if (name === undefined || question.includes(name) || !answers.text.some(text => text.endsWith(' Hund'))) continue;
      seen++;
      expect(answers.text).toContain(name);
    }
    expect(seen).toBeGreaterThan(3);
  });
  it('asks for nothing that is written of two clauses', () => {
    const asked = rows.filter(({ question }) =>
      /^Who (?!does|did|is|was|can|could|must|had|wants|wanted)[a-z]+ /.test(question),
    );
    expect(asked.length).toBeGreaterThan(20);
    for (const { context, question } of asked) {
      const verb = question.split(' ')[1]!;
      expect(context.split(/[ .,]/).filter(word => word === verb).length, `${context} ${question}`).toBeLessThan(2);
    }
  });
  it('asks how something is, not how it is not, and for no colour', () => {
    const how = rows.filter(({ question }) => /^(Wie (?!hei|hie)|How |What .* like[ ?])/.test(question));
    expect(how.length).toBeGreaterThan(10);
    for (const { question, answers } of how) {
      expect(question).not.toMatch(/\b(nicht|not)\b/);
      expect(answers.text[0]).not.toMatch(/^(rot|red|blau|blue|grün|green|gelb|yellow|weiß|white|black|braun|grey)$/);
    }
  });
});

describe('translation and summary', () => {
  it('names the direction and gives a sentence of the other language', () => {
    for (const { source, target } of take(translationRows({ seed: 1 }), 200)) {
      const [, from, , text] = /^translate (German|English) to (German|English): (.+)$/.exec(source)!;
      expect(grammatical(text!, from === 'German' ? 'de' : 'en').ok).toBe(true);
      expect(grammatical(target, from === 'German' ? 'en' : 'de').ok).toBe(true);
    }
  });
  it('sums a story up in one sentence without pronouns as subject', () => {
    for (const { source, target } of take(summaryRows({ seed: 1 }), 100)) {
      expect(source).toMatch(/^summarize: \p{Lu}.*\. .*\.$/u);
      expect(isSentence(target)).toBe(true);
      expect(target).not.toMatch(/^(Er|Sie|Es|He|She|It) /);
    }
  });
});

describe('summaries', () => {
  it.each(['train', 'test'] as const)(
    'of %s are of its half',
    split => {
      const choices = createChoices(25);
      const halves = new Map<string, string>();
      for (let i = 0; i < 1500; i++) {
        const { summary } = sampleStory(choices, { language: 'de', split }).story!;
        halves.set(realize(summary, 'de').text, halfOf(summary));
      }
      const targets = take(summaryRows({ seed: 25, split, language: 'de' }), split === 'train' ? 400 : 60).map(
        ({ target }) => target,
      );
      const known = targets.filter(target => halves.has(target));
      expect(known.length).toBeGreaterThan(5);
      expect(known.filter(target => halves.get(target) !== split)).toEqual([]);
    },
    120_000,
  );
});

describe('spelling', () => {
  const rows = LANGUAGES.flatMap(language =>
    take(spellingRows({ seed: 1, language }), 400).map(row => ({ ...row, language })),
  );
  const changes = rows.flatMap(({ source, target, language }) => {
    const [wrong, right] = [source.slice(source.indexOf(': ') + 2), target].map(text => wordsOf(text, language));
    expect(wrong!.length).toBe(right!.length);
    return wrong!.flatMap((word, i) =>
      word === right![i] ? [] : [{ word, right: right![i]!, first: i === 0, language }],
    );
  });
  it('can be restored for certain: no word, and one nearest word', () => {
    expect(changes.length).toBeGreaterThan(350);
    for (const { word, right, first, language } of changes) {
      const [form, answer] = first && !vocabulary[language].has(right) ? [small(word), small(right)] : [word, right];
      expect(vocabulary[language].has(form)).toBe(false);
      expect(nearestForms(form, language)).toEqual([answer]);
    }
  });
  it('leaves about one sentence in ten as it is', () => {
    const same = rows.filter(({ source, target }) => source.endsWith(`: ${target}`)).length;
    expect(same / rows.length).toBeGreaterThan(0.05);
    expect(same / rows.length).toBeLessThan(0.16);
  });
  it('has the misspellings of German', () => {
    const german = changes.filter(({ language }) => language === 'de');
    expect(german.some(({ word, right }) => /[äöü]/.test(right) && !/[äöü]/.test(word))).toBe(true);
    expect(german.some(({ word, right, first }) => !first && word === right.toLowerCase())).toBe(true);
    expect(
      german.some(({ word, right }) => right.includes('ie') && word.length === right.length && !word.includes('ie')),
    ).toBe(true);
  });
});
const small = (word: string) => word[0]!.toLowerCase() + word.slice(1);

describe('data to text', () => {
  it.each(LANGUAGES)('says all that the sentence depends on (%s)', language => {
    const texts = new Map<string, string>();
    for (let i = 0; i < 1500; i++) {
      const frame = sampleFrame(createChoices(8, i), i % 2 ? 'train' : 'combination');
      const { text } = realize(frame, language);
      const known = texts.get(facts(frame, language)) ?? text;
      expect(text).toBe(known);
      texts.set(facts(frame, language), text);
    }
  });
});

describe('similarity', () => {
  it('has translations and paraphrases, which differ', () => {
    const rows = take(similarityRows({ seed: 1 }), 300);
    expect(new Set(rows.map(({ kind }) => kind))).toEqual(new Set(['translation', 'paraphrase']));
    for (const { sentence1, sentence2, kind } of rows) {
      expect(sentence1).not.toBe(sentence2);
      expect(languageOf(sentence1) === languageOf(sentence2)).toBe(kind === 'paraphrase');
    }
  });
});

describe('fill-mask', () => {
  const filled = (text: string, word: string) => text.replace('[MASK]', word);
  /** The last sentence, which has the mask, with a word that is written as the sentence's place of it asks for. */
  const lastOf = (text: string, form: string) => {
    const last = text.split(/(?<=\.) /).at(-1)!;
    return filled(last, last.startsWith('[MASK]') ? form[0]!.toUpperCase() + form.slice(1) : form);
  };
  it.each(LANGUAGES)('has one form that fits of the whole vocabulary (%s)', language => {
    for (const { text, answer } of take(fillMaskRows({ seed: 1, language }), 4)) {
      const fitting = [...vocabulary[language]].filter(form => grammatical(lastOf(text, form), language).ok);
      expect(
        fitting.map(form => form.toLowerCase()),
        text,
      ).toEqual([answer.toLowerCase()]);
    }
  });
  it.each(LANGUAGES)('has one form that fits of the class, pronouns apart (%s)', language => {
    const rows = take(fillMaskRows({ seed: 1, language, scope: 'class' }), 150);
    for (const { text, answer, options, kind } of rows) {
      const fitting = options.filter(form => grammatical(lastOf(text, form), language).ok);
      expect(fitting).toContain(answer);
      if (kind !== 'PRON') expect(fitting, text).toEqual([answer]);
    }
    expect(rows.some(({ kind }) => kind === 'PRON')).toBe(true);
  });
  it('repeats a word of the first sentence in recall', () => {
    for (const { text, answer } of take(fillMaskRows({ seed: 1, scope: 'recall' }), 60)) {
      const stem = answer.replace(/e[nrs]?$/, '');
      expect(text.slice(0, text.indexOf('.'))).toContain(stem);
    }
  });
  it('takes the mask of any tokenizer', () => {
    const [row] = take(fillMaskRows({ seed: 1, scope: 'class', mask: '<mask>' }), 1);
    expect(row!.text).toContain('<mask>');
  });
});

describe('minimal pairs', () => {
  it('has a right and a wrong sentence in each', () => {
    for (const { sentence_good, sentence_bad, UID } of take(minimalPairRows({ seed: 1 }), 200)) {
      const language = UID.slice(0, 2) as Language;
      expect(grammatical(sentence_good, language).ok).toBe(true);
      expect(grammatical(sentence_bad, language).ok).toBe(false);
    }
  });
  it('breaks rules that the language has', () => {
    const rows = take(minimalPairRows({ seed: 2 }), 600);
    const kinds = new Set(rows.map(({ UID }) => UID));
    expect(kinds).toContain('de adjective ending');
    expect(kinds).not.toContain('en adjective ending');
    // *Mutter schläft* is as right as *Die Mutter schläft*.
    const bare = rows.filter(({ UID }) => UID.endsWith('missing determiner')).map(row => row.sentence_bad);
    expect(bare.length).toBeGreaterThan(50);
    for (const text of bare)
      expect(text).not.toMatch(/^(Mutter|Vater|Großmutter|Großvater|Mother|Father|Grandmother|Grandfather) /);
  });
});
