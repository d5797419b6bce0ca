import { describe, expect, it } from 'vitest';
import { realize, realizeQuestion } from './realize.ts';
import type { Clause, Frame, Mention } from './world/frame.ts';
import { single } from './world/sentences.ts';

const the = (head: string, more: Partial<Mention> = {}): Mention => ({
  head,
  form: 'noun',
  determiner: 'the',
  ...more,
});
const a = (head: string, more: Partial<Mention> = {}): Mention => the(head, { determiner: 'a', ...more });
const own = (head: string, more: Partial<Mention> = {}): Mention => the(head, { determiner: 'own', ...more });
const no = (head: string): Mention => the(head, { determiner: 'no' });
const many = (head: string, more: Partial<Mention> = {}): Mention => the(head, { plural: true, ...more });
const count = (head: string, number: number, more: Partial<Mention> = {}): Mention => ({
  head,
  form: 'noun',
  count: number,
  ...more,
});
const name = (head: string): Mention => ({ head, form: 'name' });
const he = (head: string): Mention => ({ head, form: 'pronoun', referent: 1 });
const gap = (head: string): Mention => ({ head, form: 'gap' });
const at = (preposition: string, ground: Mention | string) => ({
  preposition,
  ground: typeof ground === 'string' ? the(ground) : ground,
});
const now = (agent: Mention, verb: string, more: Partial<Clause> = {}): Clause => ({
  verb,
  tense: 'present',
  agent,
  first: 'agent',
  ...more,
});
const then = (agent: Mention, verb: string, more: Partial<Clause> = {}): Clause =>
  now(agent, verb, { tense: 'past', ...more });
const join = (main: Clause, word: NonNullable<Frame['link']>['word'], clause: Clause, first = false): Frame => ({
  main,
  link: { word, clause, first },
  sentiment: 'neutral',
});

const pairs: readonly (readonly [Clause | Frame, string, string])[] = [
  [now(the('dog'), 'chase', { patient: the('cat') }), 'Der Hund jagt die Katze.', 'The dog chases the cat.'],
  [
    now(the('cat'), 'climb', { place: at('up', 'tree') }),
    'Die Katze klettert auf den Baum.',
    'The cat climbs up the tree.',
  ],
  [
    now(the('boy'), 'sleep', { place: at('in', 'houseboat') }),
    'Der Junge schläft im Hausboot.',
    'The boy sleeps in the houseboat.',
  ],
  [then(the('woman'), 'see', { patient: the('boy') }), 'Die Frau sah den Jungen.', 'The woman saw the boy.'],
  [now(the('farmer'), 'feed', { patient: the('hare') }), 'Der Bauer füttert den Hasen.', 'The farmer feeds the hare.'],
  [now(name('Anna'), 'help', { recipient: the('neighbour') }), 'Anna hilft dem Nachbarn.', 'Anna helps the neighbour.'],
  [now(name('Paul'), 'thank', { recipient: many('child') }), 'Paul dankt den Kindern.', 'Paul thanks the children.'],
  [
    now(name('Ida'), 'see', { patient: many('bird', { adjective: 'small' }) }),
    'Ida sieht die kleinen Vögel.',
    'Ida sees the small birds.',
  ],
  [
    now(name('Ida'), 'buy', { patient: count('apple', 3, { adjective: 'red' }) }),
    'Ida kauft drei rote Äpfel.',
    'Ida buys three red apples.',
  ],
  [
    then(name('Tim'), 'wash', { patient: many('plum', { determiner: 'none' }) }),
    'Tim wusch Pflaumen.',
    'Tim washed plums.',
  ],
  [
    now(name('Emma'), 'have', { patient: a('ball', { adjective: 'red' }) }),
    'Emma hat einen roten Ball.',
    'Emma has a red ball.',
  ],
  [
    now(name('Emma'), 'have', { patient: a('doll', { adjective: 'old' }) }),
    'Emma hat eine alte Puppe.',
    'Emma has an old doll.',
  ],
  [
    now(name('Emma'), 'have', { patient: a('book', { adjective: 'new' }) }),
    'Emma hat ein neues Buch.',
    'Emma has a new book.',
  ],
  [
    now(name('Emma'), 'need', { patient: no('umbrella') }),
    'Emma braucht keinen Regenschirm.',
    'Emma does not need an umbrella.',
  ],
  [
    then(the('pig'), 'gobble up', { patient: no('plum') }),
    'Das Schwein fraß keine Pflaume.',
    'The pig did not gobble up a plum.',
  ],
  [
    then(name('Ida'), 'see', { patient: many('dog', { determiner: 'no' }) }),
    'Ida sah keine Hunde.',
    'Ida did not see any dogs.',
  ],
  [now(name('Jan'), 'drink', { patient: no('milk') }), 'Jan trinkt keine Milch.', 'Jan does not drink any milk.'],
  [
    then(name('Jan'), 'wear', { patient: a('shirt', { adjective: 'blue' }) }),
    'Jan trug ein blaues Hemd.',
    'Jan wore a blue shirt.',
  ],
  [then(name('Jan'), 'carry', { patient: a('lamp') }), 'Jan trug eine Lampe.', 'Jan carried a lamp.'],
  [now(name('Emma'), 'need', { patient: a('umbrella') }), 'Emma braucht einen Regenschirm.', 'Emma needs an umbrella.'],
  [
    then(the('gardener'), 'drink', { patient: the('milk', { determiner: 'none', adjective: 'warm' }) }),
    'Die Gärtnerin trank warme Milch.',
    'The gardener drank warm milk.',
  ],
  [
    now(the('woman'), 'repair', { patient: the('boat', { owner: the('fisherman') }) }),
    'Die Frau repariert das Boot des Fischers.',
    "The woman repairs the fisherman's boat.",
  ],
  [
    now(the('woman'), 'repair', { patient: the('boat', { owner: the('teacher') }) }),
    'Die Frau repariert das Boot der Lehrerin.',
    "The woman repairs the teacher's boat.",
  ],
  [
    now(the('woman'), 'repair', { patient: the('cart', { owner: the('boy'), adjective: 'old' }) }),
    'Die Frau repariert den alten Karren des Jungen.',
    "The woman repairs the boy's old cart.",
  ],
  [
    now(name('Paul'), 'find', { patient: the('hat', { owner: name('Anna'), adjective: 'old' }) }),
    'Paul findet Annas alten Hut.',
    "Paul finds Anna's old hat.",
  ],
  [now(name('Anna'), 'look for', { patient: own('key') }), 'Anna sucht ihren Schlüssel.', 'Anna looks for her key.'],
  [
    now(the('cook'), 'look for', { patient: own('bottle') }),
    'Der Koch sucht seine Flasche.',
    'The cook looks for his bottle.',
  ],
  [
    now(many('woman'), 'look for', { patient: own('cat') }),
    'Die Frauen suchen ihre Katze.',
    'The women look for their cat.',
  ],
  [now(name('Jan'), 'help', { recipient: own('sister') }), 'Jan hilft seiner Schwester.', 'Jan helps his sister.'],
  [
    now(the('man'), 'give', { recipient: the('child'), patient: a('flower') }),
    'Der Mann gibt dem Kind eine Blume.',
    'The man gives the child a flower.',
  ],
  [
    then(name('Otto'), 'present', { recipient: many('guest'), patient: the('kite') }),
    'Otto schenkte den Gästen den Drachen.',
    'Otto gave the guests the kite as a gift.',
  ],
  [
    then(the('grandmother'), 'read to', { recipient: the('girl'), patient: a('letter') }),
    'Die Großmutter las dem Mädchen einen Brief vor.',
    'The grandmother read the girl a letter.',
  ],
  [
    then(the('farmer'), 'catch', { patient: the('horse') }),
    'Der Bauer fing das Pferd ein.',
    'The farmer caught the horse.',
  ],
  [
    now(the('teacher'), 'open', { patient: the('front_door') }),
    'Die Lehrerin macht die Haustür auf.',
    'The teacher opens the front door.',
  ],
  [
    now(the('girl'), 'bring back', { patient: the('bucket') }),
    'Das Mädchen bringt den Eimer zurück.',
    'The girl brings the bucket back.',
  ],
  [now(name('Clara'), 'phone', { patient: the('doctor') }), 'Clara ruft die Ärztin an.', 'Clara phones the doctor.'],
  [
    now(name('Clara'), 'phone', { patient: the('doctor'), modal: 'must' }),
    'Clara muss die Ärztin anrufen.',
    'Clara must phone the doctor.',
  ],
  [
    then(name('Clara'), 'phone', { patient: the('doctor'), modal: 'must' }),
    'Clara musste die Ärztin anrufen.',
    'Clara had to phone the doctor.',
  ],
  [
    now(the('dog'), 'chase', { patient: the('hen'), modal: 'want', negated: true }),
    'Der Hund will die Henne nicht jagen.',
    'The dog does not want to chase the hen.',
  ],
  [now(name('Karl'), 'swim', { modal: 'can', negated: true }), 'Karl kann nicht schwimmen.', 'Karl cannot swim.'],
  [
    then(the('goose'), 'fly', { place: at('over', 'garden_fence') }),
    'Die Gans flog über den Gartenzaun.',
    'The goose flew over the garden fence.',
  ],
  [
    now(the('mouse'), 'hide', { place: at('under', 'bed'), first: 'place' }),
    'Unter dem Bett versteckt sich die Maus.',
    'Under the bed the mouse hides.',
  ],
  [
    now(the('baker'), 'walk', { place: at('into', 'kitchen'), time: 'in the evening', first: 'time' }),
    'Am Abend geht der Bäcker in die Küche.',
    'In the evening the baker walks into the kitchen.',
  ],
  [
    then(name('Peter'), 'travel', { place: at('to town', name('Seedorf')), time: 'yesterday' }),
    'Peter fuhr gestern nach Seedorf.',
    'Peter travelled to Seedorf yesterday.',
  ],
  [
    now(name('Peter'), 'walk', { place: at('to', 'station') }),
    'Peter geht zum Bahnhof.',
    'Peter walks to the station.',
  ],
  [now(name('Peter'), 'walk', { place: at('to', 'school') }), 'Peter geht zur Schule.', 'Peter walks to the school.'],
  [
    now(name('Peter'), 'walk', { place: at('into', 'house'), negated: true }),
    'Peter geht nicht ins Haus.',
    'Peter does not walk into the house.',
  ],
  [
    now(name('Frieda Berger'), 'work', { place: at('at', name('Vogel Bakery')) }),
    'Frieda Berger arbeitet bei der Bäckerei Vogel.',
    'Frieda Berger works at Vogel Bakery.',
  ],
  [
    now(the('musician'), 'wait', { place: at('at square', name('Lindenplatz')) }),
    'Die Musikerin wartet am Lindenplatz.',
    'The musician waits at Lindenplatz.',
  ],
  [
    now(name('Greta'), 'wait for', { patient: the('guest'), negated: true }),
    'Greta wartet nicht auf den Gast.',
    'Greta does not wait for the guest.',
  ],
  [
    now({ ...name('Anna'), and: name('Paul') }, 'play', { place: at('in', 'garden') }),
    'Anna und Paul spielen im Garten.',
    'Anna and Paul play in the garden.',
  ],
  [
    now(the('dog'), 'chase', { patient: the('rooster'), first: 'patient' }),
    'Den Hahn jagt der Hund.',
    'The rooster is chased by the dog.',
  ],
  [
    then(the('doctor'), 'help', { recipient: many('boy'), first: 'recipient' }),
    'Den Jungen half die Ärztin.',
    'The boys were helped by the doctor.',
  ],
  [
    now(the('dog', { relative: now(gap('dog'), 'chase', { patient: the('cat') }) }), 'be', { quality: 'tired' }),
    'Der Hund, der die Katze jagt, ist müde.',
    'The dog that chases the cat is tired.',
  ],
  [
    now(the('woman', { relative: now(gap('woman'), 'open', { patient: the('gate') }) }), 'sing'),
    'Die Frau, die das Tor aufmacht, singt.',
    'The woman who opens the gate sings.',
  ],
  [
    then(the('ball', { relative: then(name('Anna'), 'lose', { patient: gap('ball') }) }), 'be', { quality: 'red' }),
    'Der Ball, den Anna verlor, war rot.',
    'The ball that Anna lost was red.',
  ],
  [now(the('dog'), 'be called', { name: 'Bello' }), 'Der Hund heißt Bello.', 'The dog is called Bello.'],
  [
    now(the('soup'), 'taste', { quality: 'good', degree: 'very', negated: true }),
    'Die Suppe schmeckt nicht sehr gut.',
    'The soup does not taste very good.',
  ],
  [now(the('castle'), 'look', { quality: 'beautiful' }), 'Das Schloss sieht schön aus.', 'The castle looks beautiful.'],
  [
    now(name('Tim'), 'consider', { patient: the('story'), quality: 'boring' }),
    'Tim findet die Geschichte langweilig.',
    'Tim finds the story boring.',
  ],
  [
    now(the('boat'), 'belong to', { recipient: the('innkeeper') }),
    'Das Boot gehört dem Wirt.',
    'The boat belongs to the innkeeper.',
  ],
  [
    join(now(the('dog', { referent: 1 }), 'sleep'), 'because', now(he('dog'), 'be', { quality: 'tired' })),
    'Der Hund schläft, weil er müde ist.',
    'The dog sleeps because it is tired.',
  ],
  [
    join(now(he('Anna'), 'sleep'), 'because', now({ ...name('Anna'), referent: 1 }, 'be', { quality: 'tired' }), true),
    'Weil Anna müde ist, schläft sie.',
    'Because Anna is tired, she sleeps.',
  ],
  [
    join(then(the('cat'), 'hide'), 'when', then(the('boy'), 'bring back', { patient: the('dog') })),
    'Die Katze versteckte sich, als der Junge den Hund zurückbrachte.',
    'The cat hid when the boy brought the dog back.',
  ],
  [
    join(now(name('Paul'), 'laugh'), 'if', now(the('girl'), 'rest'), true),
    'Falls das Mädchen sich ausruht, lacht Paul.',
    'If the girl rests, Paul laughs.',
  ],
  [
    join(then(name('Ida'), 'know'), 'that', then(the('pupil'), 'sing')),
    'Ida wusste, dass die Schülerin sang.',
    'Ida knew that the pupil sang.',
  ],
  [
    join(now(the('fox'), 'sleep'), 'and', now(the('owl'), 'fly', { place: at('onto', 'roof') })),
    'Der Fuchs schläft, und die Eule fliegt auf das Dach.',
    'The fox sleeps, and the owl flies onto the roof.',
  ],
  [
    join(
      now(the('cake', { referent: 1 }), 'be', { quality: 'old' }),
      'but',
      now(he('cake'), 'taste', { quality: 'good' }),
    ),
    'Der Kuchen ist alt, aber er schmeckt gut.',
    'The cake is old, but it tastes good.',
  ],
];

describe('sentences', () => {
  it.each(pairs.map(([meaning, german, english]) => ({ meaning, german, english })))(
    '$german / $english',
    ({ meaning, german, english }) => {
      const frame = 'main' in meaning ? meaning : single(meaning);
      expect(realize(frame, 'de').text).toBe(german);
      expect(realize(frame, 'en').text).toBe(english);
    },
  );

  it('have a tree with one root, offsets of their words, and roles', () => {
    for (const [meaning] of pairs) {
      const frame = 'main' in meaning ? meaning : single(meaning);
      for (const language of ['de', 'en'] as const) {
        const { text, words, roles } = realize(frame, language);
        expect(words.filter(word => word.head === -1)).toHaveLength(1);
        for (const [index, word] of words.entries()) {
          expect(text.slice(word.start, word.end)).toBe(word.text);
          // Every word reaches the root.
          let at = index;
          for (let steps = 0; at !== -1; steps++) {
            expect(steps).toBeLessThan(words.length);
            at = words[at]!.head;
          }
        }
        const agent = roles.find(({ role, clause }) => role === 'agent' && clause === 'main')!;
        expect(agent.to).toBeGreaterThan(agent.from);
      }
    }
  });

  it('analyse words in the scheme of Universal Dependencies', () => {
    const { words } = realize(
      single(then(the('farmer'), 'catch', { patient: the('horse', { adjective: 'big' }) })),
      'de',
    );
    expect(words.map(word => [word.text, word.lemma, word.pos, word.head, word.relation])).toEqual([
      ['Der', 'der', 'DET', 1, 'det'],
      ['Bauer', 'Bauer', 'NOUN', 2, 'nsubj'],
      ['fing', 'einfangen', 'VERB', -1, 'root'],
      ['das', 'der', 'DET', 5, 'det'],
      ['große', 'groß', 'ADJ', 5, 'amod'],
      ['Pferd', 'Pferd', 'NOUN', 2, 'obj'],
      ['ein', 'ein', 'ADP', 2, 'compound:prt'],
      ['.', '.', 'PUNCT', 2, 'punct'],
    ]);
    expect(words[5]!.features).toEqual({ Case: 'Acc', Gender: 'Neut', Number: 'Sing' });
  });

  it('say whom pronouns, possessives and relative pronouns mean', () => {
    const because = pairs.find(([, german]) => german.startsWith('Weil Anna'))![0] as Frame;
    expect(realize(because, 'de').words.find(word => word.text === 'sie')!.antecedent).toEqual({
      sentence: 0,
      word: 1,
    });
    const key = realize(single(now(name('Anna'), 'look for', { patient: own('key') })), 'en');
    expect(key.words.find(word => word.text === 'her')!.antecedent).toEqual({ sentence: 0, word: 0 });
  });
});

describe('questions', () => {
  const give = single(then(the('boy'), 'give', { recipient: the('woman'), patient: a('ball'), time: 'yesterday' }));
  const gift = single(now(the('boy'), 'present', { recipient: the('woman'), patient: a('ball') }));
  const state = (head: string, quality: string) => single(then(the(head), 'be', { quality, time: 'yesterday' }));
  const shop = single(now(name('Vogel Bakery'), 'sell', { patient: the('ball') }));
  const wait = single(now(name('Anna'), 'wait for', { patient: the('teacher'), place: at('in', 'school') }));
  it.each([
    [give, 'agent', 'Wer gab gestern der Frau einen Ball?', 'Who gave the woman a ball yesterday?'],
    [give, 'patient', 'Was gab der Junge gestern der Frau?', 'What did the boy give the woman yesterday?'],
    [give, 'recipient', 'Wem gab der Junge gestern einen Ball?', 'Who did the boy give a ball to yesterday?'],
    [give, 'time', 'Wann gab der Junge der Frau einen Ball?', 'When did the boy give the woman a ball?'],
    [wait, 'patient', 'Auf wen wartet Anna in der Schule?', 'Who does Anna wait for in the school?'],
    [wait, 'place', 'Wo wartet Anna auf die Lehrerin?', 'Where does Anna wait for the teacher?'],
    [gift, 'recipient', 'Wem schenkt der Junge einen Ball?', 'Who does the boy give a ball to as a gift?'],
    [state('boy', 'lazy'), 'quality', 'Wie war der Junge gestern?', 'What was the boy like yesterday?'],
    [state('boy', 'tired'), 'quality', 'Wie war der Junge gestern?', 'How was the boy yesterday?'],
    [shop, 'agent', 'Wer verkauft den Ball?', 'Who sells the ball?'],
  ] as const)('ask for a role (%#)', (frame, role, german, english) => {
    expect(realizeQuestion(frame, role, 'de')).toBe(german);
    expect(realizeQuestion(frame, role, 'en')).toBe(english);
  });
});
