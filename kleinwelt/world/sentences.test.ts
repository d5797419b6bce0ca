import { describe, expect, it } from 'vitest';
import { sampleFrame, sampleStory } from '../document.ts';
import { adjectiveOf, genderOf, isPlural, verbOf } from '../lexicon/look-up.ts';
import { createChoices } from './choices.ts';
import { reversible } from './events.ts';
import type { Clause, Frame, Mention } from './frame.ts';
import { causesFor, contrastsFor, predicatesFor } from './qualities.ts';
import { classesOf, nounsOfClasses } from './select.ts';

const choices = createChoices(71);
const frames: readonly Frame[] = [
  ...Array.from({ length: 8000 }, () => sampleFrame(choices)),
  ...Array.from({ length: 300 }, () => sampleStory(choices).sentences.map(({ frame }) => frame)).flat(),
];
const clauses = frames.flatMap(({ main, link }) => (link === undefined ? [main] : [main, link.clause]));
const withVerb = (key: string) => clauses.filter(({ verb }) => verb === key);

describe('meanings', () => {
  it('are worn where they are clothes, and carried otherwise', () => {
    const clothes = (key: string) => withVerb(key).map(({ patient }) => classesOf(patient!.head).has('clothing'));
    expect(new Set(clothes('carry'))).toEqual(new Set([false]));
    expect(new Set(clothes('wear'))).toEqual(new Set([true]));
  });

  it('hide nobody in front of anything', () => {
    const places = new Set(withVerb('hide').map(({ place }) => place?.preposition));
    expect(places.size).toBeGreaterThan(3);
    expect(places).not.toContain('in front of');
  });

  it('say of definite agents how they are', () => {
    const states = frames.filter(({ main, link }) => main.verb === 'be' && link === undefined);
    expect(states.length).toBeGreaterThan(500);
    expect(states.filter(({ main }) => main.agent.determiner === 'a')).toEqual([]);
  });

  it('have no sie or es behind the verb that could be its object', () => {
    const inverted = frames.filter(({ main, link }) => main.first === 'time' || link?.first).map(({ main }) => main);
    const pronouns = inverted.filter(({ agent }) => agent.form === 'pronoun' && genderOf(agent) !== 'masculine');
    expect(pronouns.length).toBeGreaterThan(40);
    for (const { verb, patient } of pronouns) {
      if (patient === undefined || verbOf(verb).de.preposition !== '') continue;
      const clear = isPlural(patient) || (patient.form !== 'name' && genderOf(patient) === 'masculine');
      const able = verbOf(verb).agents.some(word => classesOf(patient.head).has(word));
      expect(clear || !able, `${verb} ${patient.head}`).toBe(true);
    }
  });

  it('give no deed as its own reason', () => {
    const own = frames.filter(
      ({ main, link }) => link && [main, link.clause].some(({ agent }) => agent.form === 'pronoun'),
    );
    const reasons = own.filter(({ link }) => ['because', 'when', 'if'].includes(link!.word));
    const single = reasons.filter(({ main, link }) => main.agent.head === link!.clause.agent.head);
    expect(single.length).toBeGreaterThan(300);
    expect(single.filter(({ main, link }) => main.verb === link!.clause.verb)).toEqual([]);
  });

  it('join what differs by but', () => {
    const pairs = frames.filter(({ link }) => link?.word === 'but');
    expect(pairs.length).toBeGreaterThan(150);
    for (const { main, link } of pairs) {
      const { opening, closing } = contrastsFor(main.agent.head, 'train').find(contrast =>
        contrast.opening.includes(main.quality!),
      )!;
      expect(closing).toContain(link!.clause.quality);
      const signs = new Set(closing.map(key => adjectiveOf(key).judgement));
      expect(signs.size, opening.join()).toBe(1);
    }
  });
});

describe('a pronoun behind the verb', () => {
  const she: Mention = { head: 'Anna', form: 'pronoun', referent: 1 };
  const wakes = (patient: Mention, agent = she): Clause => ({
    verb: 'wake',
    tense: 'present',
    agent,
    patient,
    first: 'time',
  });
  const the = (head: string): Mention => ({ head, form: 'noun', determiner: 'the' });
  it.each([
    [wakes({ head: 'Bello', form: 'name' }), true],
    [wakes(the('cat')), true],
    [wakes(the('dog')), false],
    [wakes({ ...the('cat'), plural: true }), false],
    [wakes(the('cat'), { ...she, head: 'Paul' }), false],
    [wakes(the('cat'), { head: 'Anna', form: 'name' }), false],
    [{ ...wakes({ head: 'Paula', form: 'name' }), verb: 'wait for' }, false],
    [{ ...wakes(the('doll')), verb: 'look for' }, false],
  ])('can be its object or not (%#)', (clause, expected) => {
    expect(reversible(clause)).toBe(expected);
  });
});

describe('qualities', () => {
  it('fit the kind of food', () => {
    expect(predicatesFor('honey', 'combination')).not.toContain('salty');
    expect(predicatesFor('soup', 'combination')).toEqual(expect.arrayContaining(['warm', 'cold', 'salty']));
    expect(predicatesFor('soup', 'combination')).not.toContain('sweet');
  });

  it('leave out what goes without saying', () => {
    expect(predicatesFor('boy', 'combination')).not.toContain('young');
    expect(predicatesFor('man', 'combination')).toContain('young');
    expect(predicatesFor('newspaper', 'combination')).not.toContain('black');
  });

  it('are reasons for what is done', () => {
    expect(causesFor('dog', 'drink', 'combination')).toEqual(['thirsty']);
    expect(causesFor('dog', 'play', 'combination')).not.toContain('tired');
    expect(causesFor('Anna', 'work', 'combination')).toContain('proud');
  });

  it('leave something to contrast for most nouns', () => {
    const heads = nounsOfClasses('work dishfood clothing building');
    const without = heads.filter(head => contrastsFor(head, 'train').length === 0);
    expect(without.length / heads.length).toBeLessThan(0.2);
  });
});
