/**
 * The verbs of Kleinwelt. A line: kind, key, German (infinitive, third person present and past, then `-particle` of a separable
 * verb, `+preposition` with accusative, `sich`), English (base, third person, past, participle, then `-particle` or
 * `+preposition`), and who does it to what (classes of nouns, `-class` for one that is left out; a recipient is a person or an animal).
 */

import { ConfigError } from '../../src/errors.ts';

/** How a verb builds its clause. `dative`: its only object is a German dative; `give`: dative and accusative. */
export type VerbKind =
  | 'transitive'
  | 'dative'
  | 'give'
  | 'intransitive'
  | 'motion'
  | 'judge'
  | 'speech'
  | 'copula'
  | 'modal';

export interface Verb {
  readonly key: string;
  readonly kind: VerbKind;
  readonly de: {
    readonly infinitive: string;
    readonly present: string;
    readonly past: string;
    readonly pluralPresent: string;
    readonly pluralPast: string;
    readonly particle: string;
    readonly preposition: string;
    readonly reflexive: boolean;
  };
  readonly en: {
    readonly base: string;
    readonly present: string;
    readonly past: string;
    readonly participle: string;
    readonly particle: string;
    readonly preposition: string;
  };
  readonly agents: readonly string[];
  readonly patients: readonly string[];
}

const lines = `
transitive | chase | jagen jagt jagte | chase chases chased chased | hunter | prey
transitive | see | sehen sieht sah | see sees saw seen | person animal | person animal machine
transitive | hear | hören hört hörte | hear hears heard heard | person animal | person animal
transitive | watch | beobachten beobachtet beobachtete | watch watches watched watched | person animal | person animal
transitive | find | finden findet fand | find finds found found | person | small animal
transitive | look for | suchen sucht suchte | look looks looked looked +for | person | small animal kin
transitive | carry | tragen trägt trug | carry carries carried carried | person | small -clothing
transitive | wear | tragen trägt trug | wear wears wore worn | person | clothing
transitive | repair | reparieren repariert reparierte | repair repairs repaired repaired | person | machine toy
transitive | buy | kaufen kauft kaufte | buy buys bought bought | person | small food machine
transitive | sell | verkaufen verkauft verkaufte | sell sells sold sold | worker org | small food machine
transitive | clean | putzen putzt putzte | clean cleans cleaned cleaned | person | dish machine
transitive | wash | waschen wäscht wusch | wash washes washed washed | person | clothing dish fruit
transitive | read | lesen liest las | read reads read read | person | reading
transitive | paint | malen malt malte | paint paints painted painted | person | animal flower machine
transitive | draw | zeichnen zeichnet zeichnete | draw draws drew drawn | person | animal flower building
transitive | eat | essen isst aß | eat eats ate eaten | person | food
transitive | drink | trinken trinkt trank | drink drinks drank drunk | person animal | drink
transitive | bake | backen backt backte | bake bakes baked baked | person | baked
transitive | feed | füttern füttert fütterte | feed feeds fed fed | person | farm pet
transitive | stroke | streicheln streichelt streichelte | stroke strokes stroked stroked | person | farm pet
transitive | wake | wecken weckt weckte | wake wakes woke woken | person pet | person pet
transitive | visit | besuchen besucht besuchte | visit visits visited visited | person | person kin
transitive | greet | grüßen grüßt grüßte | greet greets greeted greeted | person | person kin
transitive | shout for | rufen ruft rief | shout shouts shouted shouted +for | person | person pet
transitive | gobble up | fressen frisst fraß | gobble gobbles gobbled gobbled -up | animal | fruit
transitive | pick | pflücken pflückt pflückte | pick picks picked picked | person | flower
transitive | conceal | verstecken versteckt versteckte | conceal conceals concealed concealed | person | small
transitive | forget | vergessen vergisst vergaß | forget forgets forgot forgotten | person | small
transitive | lose | verlieren verliert verlor | lose loses lost lost | person | small
transitive | phone | rufen ruft rief -an | phone phones phoned phoned | person | person kin
transitive | open | machen macht machte -auf | open opens opened opened | person | openable
transitive | close | machen macht machte -zu | close closes closed closed | person | openable
transitive | bring back | bringen bringt brachte -zurück | bring brings brought brought -back | person | small
transitive | pick up | heben hebt hob -auf | pick picks picked picked -up | person | small
transitive | put on | ziehen zieht zog -an | put puts put put -on | person | clothing
transitive | catch | fangen fängt fing -ein | catch catches caught caught | person | farm pet
transitive | invite | laden lädt lud -ein | invite invites invited invited | person | person kin
transitive | put away | räumen räumt räumte -weg | put puts put put -away | person | small
transitive | choose | suchen sucht suchte -aus | choose chooses chose chosen | person | small
transitive | wait for | warten wartet wartete +auf | wait waits waited waited +for | person | person kin
transitive | think of | denken denkt dachte +an | think thinks thought thought +of | person | person kin work
transitive | look after | hüten hütet hütete | look looks looked looked +after | person | pet young

transitive | love | lieben liebt liebte | love loves loved loved | person | person animal kin
transitive | like | mögen mag mochte | like likes liked liked | person | person animal food work
transitive | hate | hassen hasst hasste | hate hates hated hated | person | food work clothing
transitive | enjoy | genießen genießt genoss | enjoy enjoys enjoyed enjoyed | person | dishfood work
transitive | admire | bewundern bewundert bewunderte | admire admires admired admired | person | person building
transitive | praise | loben lobt lobte | praise praises praised praised | person | worker young kin
transitive | scold | tadeln tadelt tadelte | scold scolds scolded scolded | person | young pet kin
transitive | despise | verachten verachtet verachtete | despise despises despised despised | person | person work

transitive | have | haben hat hatte | have has had had | person | small machine pet
transitive | need | brauchen braucht brauchte | need needs needed needed | person | small machine

dative | help | helfen hilft half | help helps helped helped | person | person kin
dative | follow | folgen folgt folgte | follow follows followed followed | person animal | person animal
dative | thank | danken dankt dankte | thank thanks thanked thanked | person | person kin
dative | congratulate | gratulieren gratuliert gratulierte | congratulate congratulates congratulated congratulated | person | person kin
dative | trust | vertrauen vertraut vertraute | trust trusts trusted trusted | person animal | person
dative | run after | laufen läuft lief -nach | run runs ran run +after | runner young | animal
dative | listen to | hören hört hörte -zu | listen listens listened listened +to | person | person kin
dative | belong to | gehören gehört gehörte | belong belongs belonged belonged +to | small machine | person
dative | please | gefallen gefällt gefiel | please pleases pleased pleased | work flower building | person

give | give | geben gibt gab | give gives gave given | person | small
give | show | zeigen zeigt zeigte | show shows showed shown | person | small machine
give | bring | bringen bringt brachte | bring brings brought brought | person | small food
give | send | schicken schickt schickte | send sends sent sent | person | reading clothing toy
give | lend | leihen leiht lieh | lend lends lent lent | person | small machine
give | present | schenken schenkt schenkte | give gives gave given -as_a_gift | person | toy clothing flower
give | read to | lesen liest las -vor | read reads read read | person | reading

intransitive | sleep | schlafen schläft schlief | sleep sleeps slept slept | person animal
intransitive | sit | sitzen sitzt saß | sit sits sat sat | person pet
intransitive | stand | stehen steht stand | stand stands stood stood | person farm
intransitive | lie | liegen liegt lag | lie lies lay lain | pet small
intransitive | play | spielen spielt spielte | play plays played played | young pet
intransitive | wait | warten wartet wartete | wait waits waited waited | person pet
intransitive | work | arbeiten arbeitet arbeitete | work works worked worked | worker
intransitive | sing | singen singt sang | sing sings sang sung | person flier
intransitive | laugh | lachen lacht lachte | laugh laughs laughed laughed | person
intransitive | cry | weinen weint weinte | cry cries cried cried | young
intransitive | dance | tanzen tanzt tanzte | dance dances danced danced | person
intransitive | dream | träumen träumt träumte | dream dreams dreamed dreamed | person pet
intransitive | rest | ruhen ruht ruhte sich -aus | rest rests rested rested | person animal
intransitive | hide | verstecken versteckt versteckte sich | hide hides hid hidden | young prey
intransitive | swim | schwimmen schwimmt schwamm | swim swims swam swum | swimmer young
intransitive | live | wohnen wohnt wohnte | live lives lived lived | person

motion | climb | klettern klettert kletterte | climb climbs climbed climbed | climber young | up onto
motion | run | laufen läuft lief | run runs ran run | runner young | into to
motion | jump | springen springt sprang | jump jumps jumped jumped | runner young | onto over
motion | fly | fliegen fliegt flog | fly flies flew flown | flier | onto over to
motion | walk | gehen geht ging | walk walks walked walked | person | into to
motion | travel | fahren fährt fuhr | travel travels travelled travelled | person | town to
motion | return | kehren kehrt kehrte -zurück | return returns returned returned | person | town to

judge | consider | finden findet fand | find finds found found | person | work food person
judge | taste | schmecken schmeckt schmeckte | taste tastes tasted tasted | food dishfood | 
judge | look | sehen sieht sah -aus | look looks looked looked | person clothing building | 

speech | say | sagen sagt sagte | say says said said | person
speech | believe | glauben glaubt glaubte | believe believes believed believed | person
speech | know | wissen weiß wusste | know knows knew known | person
speech | report | berichten berichtet berichtete | report reports reported reported | person

copula | be | sein ist war | be is was been | any
copula | be called | heißen heißt hieß | be is was been | any
modal | want | wollen will wollte | want wants wanted wanted | person animal
modal | can | können kann konnte | can can could could | person animal
modal | must | müssen muss musste | must must had had | person animal
`;

/** All verbs by key. */
export const verbs: ReadonlyMap<string, Verb> = new Map(
  lines
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const [kind, key, german, english, agents = '', patients = ''] = line.split('|').map(cell => cell.trim());
      const de = (german ?? '').split(' ');
      const en = (english ?? '').split(' ');
      if (de.length < 3 || en.length < 4) {
        throw new ConfigError('not a line of the verb table', { seen: line, where: 'kleinwelt/lexicon' });
      }
      return [key!, verbOf(kind as VerbKind, key!, de, en, words(agents), words(patients))];
    }),
);

function verbOf(
  kind: VerbKind,
  key: string,
  de: readonly string[],
  en: readonly string[],
  agents: readonly string[],
  patients: readonly string[],
): Verb {
  const marked = (cells: readonly string[], mark: string) => cells.find(cell => cell.startsWith(mark))?.slice(1) ?? '';
  const particle = marked(de, '-');
  const infinitive = de[0]!;
  const past = de[2]!;
  return {
    key,
    kind,
    de: {
      infinitive,
      present: de[1]!,
      past,
      pluralPresent: key === 'be' ? 'sind' : infinitive,
      pluralPast: past.endsWith('e') ? `${past}n` : `${past}en`,
      particle,
      preposition: marked(de, '+'),
      reflexive: de.includes('sich'),
    },
    en: {
      base: en[0]!,
      present: en[1]!,
      past: en[2]!,
      participle: en[3]!,
      particle: marked(en, '-'),
      preposition: marked(en, '+'),
    },
    agents,
    patients,
  };
}

function words(text: string): readonly string[] {
  return text.split(' ').filter(word => word !== '');
}
