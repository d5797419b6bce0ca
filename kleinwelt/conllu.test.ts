import { expect, it } from 'vitest';
import { conlluLines } from './conllu.ts';
import { sampleStory } from './document.ts';
import { realize } from './realize.ts';
import { createChoices } from './world/choices.ts';
import type { Frame } from './world/frame.ts';

const stories = Array.from({ length: 20 }, (_, i) => sampleStory(createChoices(2, i)));
const lines = [...conlluLines(stories)];

it('has ten columns, numbers from 1, one root, and heads that are there', () => {
  for (const block of lines
    .join('\n')
    .split('\n\n')
    .filter(text => text.trim() !== '')) {
    const words = block
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(line => line.split('\t'));
    expect(words.map(columns => columns.length)).toEqual(words.map(() => 10));
    expect(words.map(([id]) => Number(id))).toEqual(words.map((_, i) => i + 1));
    expect(words.filter(columns => columns[6] === '0' && columns[7] === 'root').length).toBe(1);
    for (const columns of words) expect(Number(columns[6])).toBeLessThanOrEqual(words.length);
  }
});

it('gives the text back from forms and spaces', () => {
  const texts = lines.filter(line => line.startsWith('# text = ')).map(line => line.slice(9));
  const blocks = lines
    .join('\n')
    .split('\n\n')
    .filter(text => text.trim() !== '');
  const joined = blocks.map(block =>
    block
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(line => line.split('\t'))
      .map(([, form, , , , , , , , misc]) => form + (misc!.includes('SpaceAfter=No') ? '' : ' '))
      .join('')
      .trim(),
  );
  expect(joined).toEqual(texts);
});

it('points from a pronoun to the word that it stands for', () => {
  const pointers = stories.flatMap(({ sentences }, story) =>
    sentences.flatMap(({ words }) => words.flatMap(({ antecedent }) => (antecedent ? [{ story, ...antecedent }] : []))),
  );
  const written = lines.flatMap(line => /Antecedent=(\d+):(\d+)/.exec(line)?.slice(1).map(Number) ?? []);
  expect(written).toEqual(pointers.flatMap(({ sentence, word }) => [sentence + 1, word + 1]));
  expect(pointers.length).toBeGreaterThan(20);
  for (const { story, sentence, word } of pointers)
    expect(stories[story]!.sentences[sentence]!.words[word]!.pos).toMatch(/NOUN|PROPN/);
});

it('says of every adjective that it is not compared, and of had to that it is finite', () => {
  const words = lines.filter(line => !line.startsWith('#')).map(line => line.split('\t'));
  const adjectives = words.filter(columns => columns[3] === 'ADJ');
  expect(adjectives.length).toBeGreaterThan(20);
  expect(adjectives.filter(columns => !columns[5]!.includes('Degree=Pos'))).toEqual([]);
  const frame: Frame = {
    main: { verb: 'sleep', tense: 'past', modal: 'must', agent: { head: 'Anna', form: 'name' }, first: 'agent' },
    sentiment: 'neutral',
  };
  const had = realize(frame, 'en').words[1]!;
  expect([had.text, had.features.VerbForm, had.features.Tense, had.features.Mood]).toEqual([
    'had',
    'Fin',
    'Past',
    'Ind',
  ]);
});

it('begins a document with its number, and marks entities', () => {
  expect(lines.filter(line => line.startsWith('# newdoc')).length).toBe(20);
  expect(lines.some(line => /\tPROPN\t.*\tEntity=B-PER/.test(line))).toBe(true);
});
