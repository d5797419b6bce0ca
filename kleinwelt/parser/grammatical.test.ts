import { describe, expect, it } from 'vitest';
import { sampleDocument } from '../document.ts';
import type { Sentence } from '../sentence.ts';
import { createChoices } from '../world/choices.ts';
import type { Language } from '../world/frame.ts';
import { anyFits, grammatical, wordsOf } from './grammatical.ts';

/** Sentences of stories and single ones, all splits. */
function* sampledSentences(language: Language, count: number): Generator<Sentence> {
  const splits = ['train', 'test', 'combination'] as const;
  for (let i = 0, made = 0; made < count; i++)
    for (const sentence of sampleDocument(createChoices(17, i), { language, split: splits[i % 3]! }).sentences)
      if (made++ < count) yield sentence;
}

const right: Readonly<Record<Language, readonly string[]>> = {
  de: [
    'Der Hund jagt die Katze.',
    'Die Katze jagt der Hund.',
    'Der kleine Hund, der die Katze jagt, schläft im Garten.',
    'Heute hebt Anna den Ball auf.',
    'Paul sagt, dass Anna den Ball aufhebt.',
    'Falls Anna müde ist, liest der Junge ihr das Buch vor.',
    'Heute will sie ihm den Ball nicht geben.',
    'Ein kleiner Hund folgt den drei kleinen Kindern.',
    'Anna Bergers altes Boot gehört dem Fischer.',
    'Der Bäcker wartet am Abend nicht auf den Koch.',
    'Das Boot des alten Fischers war kaputt, aber es war schön.',
    'Im Garten versteckte sich der Hase.',
    'Anna und Paul trinken kalte Milch.',
    'Bello heißt der Hund.',
    'Anna gibt ihn ihm.',
    'Heute gibt es ihr der Junge.',
    'Paul lacht, weil er sich ausruht.',
    'Anna fährt nach Seedorf und Mühlbach.',
    'Der Vogel fliegt über Seedorf.',
    'Anna trägt die Kiste und das Kleid.',
  ],
  en: [
    'The dog chases the cat.',
    'The cat is not chased by the dog that Anna looks for.',
    'Today the boy gives it to the girl in the garden.',
    "Anna's old boat belongs to the fisherman.",
    'Anna picks the ball up.',
    'Anna picks up the ball.',
    'Anna does not want to sleep in the kitchen.',
    'Paul says that Anna is very tired.',
    'When the owl slept, a useful hammer and an old saw lay under the table.',
    'Anna did not gobble up a plum.',
    'Anna does not give the boy any dogs and cats.',
    "The cat is not chased by any boy's dog.",
    'Anna cannot drink any milk.',
    "The boys' hat and the men's coat are wet.",
    'The dog is awake.',
    'The ball is needed by the girl that is liked by Anna.',
    'Anna wore the coat that was worn by Paul.',
  ],
};
/** With the word at which reading ends. */
const wrong: Readonly<Record<Language, readonly (readonly [text: string, where: number])[]>> = {
  de: [
    ['Der Hund jagen die Katze.', 2],
    ['Das Hund jagt die Katze.', 1],
    ['Ein kleine Hund schläft.', 1],
    ['Der Hund jagt der Katze.', 2],
    ['Heute der Hund jagt die Katze.', 1],
    ['Anna hebt heute den Ball.', 5],
    ['Paul sagt, dass Anna hebt den Ball auf.', 5],
    ['Der Hund, die die Katze jagt, schläft.', 3],
    ['Der Hund, der die Katze jagt schläft.', 7],
    ['Hund jagt die Katze.', 0],
    ['Anna klettert auf dem Baum.', 1],
    ['Anna schläft auf den Baum.', 1],
    ['Der Bäcker denkt an dem Koch.', 2],
    ['Die Hunde heißt Bello.', 2],
    ['Anna liest ihr vor.', 1],
    ['Gestern bringt Anna den Ball zurück.', 1],
    ['Der Hund schläft weil er müde ist.', 3],
    ['Das Boot dem Fischer ist alt.', 2],
    ['Der Quark schläft.', 1],
    ['der Hund schläft.', 0],
    ['Der Hund schläft', 2],
    ['Anna gibt ihm ihn.', 1],
    ['Heute sieht ihn sie.', 1],
    ['Heute ruht sich er aus.', 1],
    ['Paul lacht, weil ihm es gehört.', 6],
    ['Anna schläft vom Garten.', 2],
    ['Anna fährt zu Seedorf.', 1],
    ['Anna geht in Seedorf.', 1],
    ['Anna geht nach dem Garten.', 1],
  ],
  en: [
    ['The dog chase the cat.', 2],
    ['An useful hammer pleases the dog.', 0],
    ['Him sleeps.', 1],
    ['The dog does not chases the cat.', 4],
    ['The ball who Anna loses is red.', 2],
    ['Dog chases the cat.', 0],
    ['The dog the cat chases.', 2],
    ['The cat is chased the dog.', 4],
    ['Anna can sleeps.', 2],
    ["Anna sees the boys's hat.", 4],
    ["Anna sees the men' hat.", 4],
    ['Anna drinks a milk.', 3],
    ['The awake dog sleeps.', 1],
    ['The hat is had by Anna.', 3],
    ['The hat is belonged to by Anna.', 3],
    ['The dog is looked by Anna.', 4],
    ['Anna sees any dogs.', 2],
    ['Any dogs do not see Anna.', 2],
    ['The dog that does not see Anna sees any cat.', 8],
  ],
};

describe('grammatical', () => {
  for (const language of ['de', 'en'] as const) {
    it(`accepts what is right (${language})`, () => {
      expect(right[language].filter(text => !grammatical(text, language).ok)).toEqual([]);
    });
    it(`refuses what is wrong, where it is (${language})`, () => {
      const judged = wrong[language].map(([text]) => [text, grammatical(text, language)] as const);
      expect(judged.map(([text, judgement]) => [text, judgement.ok ? 'accepted' : judgement.where])).toEqual(
        wrong[language],
      );
    });
    it(`accepts 20,000 sampled sentences and has their words (${language})`, () => {
      const refused: string[] = [];
      for (const { text, words } of sampledSentences(language, 20_000)) {
        const judgement = grammatical(text, language);
        if (!judgement.ok || judgement.words.join(' ') !== words.map(word => word.text).join(' ')) refused.push(text);
      }
      expect(refused).toEqual([]);
    }, 300_000);
  }
  it('says why', () => {
    const judgement = grammatical('Anna hebt heute den Ball.', 'de');
    expect(!judgement.ok && judgement.why).toMatch(/particle/);
  });
  it('gives a tree over all words', () => {
    const judgement = grammatical('Heute jagt der Hund, der müde ist, die Katze.', 'de');
    if (!judgement.ok) throw new Error(judgement.why);
    const { parse, words } = judgement;
    expect([parse.from, parse.to, parse.label]).toEqual([0, words.length - 1, 'sentence']);
    expect(parse.parts[0]!.parts.map(({ label }) => label)).toEqual(['time', 'verb', 'nominal', 'nominal']);
  });
  it.each(['die Katze', 'der Frau', 'der Frau und der Frau', 'heute Annas'])(
    'ends soon where %s is repeated',
    phrase => {
      // Phrases that can be cut in many ways: without memory and bounds the ways to read them multiply.
      const many = Array.from({ length: 30 }, () => phrase).join(' ');
      expect(grammatical(`Heute jagt ${many}.`, 'de').ok).toBe(false);
    },
  );
  it.each(['that the dog', "Anna's", 'in the garden', 'the dog that chases'])(
    'ends soon where %s is repeated',
    phrase => {
      const many = Array.from({ length: 30 }, () => phrase).join(' ');
      expect(grammatical(`The dog sees ${many}.`, 'en').ok).toBe(false);
    },
  );
  it('finds a form that fits among many as it does one by one', () => {
    const words = wordsOf('Der kleine Hund jagt die Katze.', 'de');
    const fits = (at: number, form: string) => anyFits(words, at, [form], 'de');
    expect([fits(4, 'eine'), fits(4, 'einer'), fits(0, 'das'), fits(0, 'ein')]).toEqual([true, false, false, false]);
    expect(anyFits(words, 4, ['einer', 'dem', 'ein'], 'de')).toBe(false);
    expect(anyFits(words, 4, ['einer', 'dem', 'keine'], 'de')).toBe(true);
  });
});
