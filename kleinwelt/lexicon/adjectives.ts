/**
 * Adjectives: English, German, the German stem before endings where it differs (*dunkel, dunkl-e*), and the classes of what
 * they are said of. `good` and `bad` mark those that judge.
 */

export interface Adjective {
  readonly key: string;
  readonly de: string;
  readonly stem: string;
  readonly classes: ReadonlySet<string>;
  readonly judgement: -1 | 0 | 1;
}

const lines = `
red rot - colour
blue blau - colour
green grün - colour
yellow gelb - colour
white weiß - colour coat
black schwarz - colour coat
brown braun - colour coat
grey grau - colour coat
big groß - size
small klein - size
old alt - size
young jung - living
new neu - object
heavy schwer - weight
light leicht - weight
fat dick - living
clever klug - living
strong stark - living
quick schnell - living
quiet still - living
tired müde müd state cause
hungry hungrig - state cause
thirsty durstig - state cause
sick krank - state cause
wet nass - state
awake wach - state
dirty schmutzig - state thing
clean sauber - state thing
sad traurig - feeling bad cause
happy glücklich - feeling good cause
glad froh - feeling good cause
angry wütend - feeling bad cause
afraid ängstlich - feeling bad cause
cheerful fröhlich - feeling good cause
proud stolz - feeling good cause
disappointed enttäuscht - feeling bad cause
warm warm - temperature
cold kalt - temperature
long lang - length
short kurz - length
expensive teuer teur price
cheap billig - price
sweet süß - sugar
salty salzig - salt
fresh frisch - freshness
delicious köstlich - taste good
terrible furchtbar - taste work bad
tasteless geschmacklos - taste bad
excellent ausgezeichnet - taste work good
disgusting eklig - taste bad
beautiful schön - looks good
ugly hässlich - looks bad
wonderful wunderbar - looks work good
boring langweilig - work bad
exciting spannend - work good
funny lustig - work good
friendly freundlich - character good
kind nett - character good
mean gemein - character bad
rude unhöflich - character bad
lazy faul - character bad
brave mutig - character good
good gut - judgement good
bad schlecht - judgement bad
great großartig - judgement good
awful schrecklich - judgement bad
useful nützlich - use good
useless nutzlos - use bad
broken kaputt - use bad
`;

/** All adjectives by key. */
export const adjectives: ReadonlyMap<string, Adjective> = new Map(
  lines
    .trim()
    .split('\n')
    .map(line => {
      const [key, de, stem, ...classes] = line.split(' ') as [string, string, string, ...string[]];
      const judgement = classes.includes('good') ? 1 : classes.includes('bad') ? -1 : 0;
      return [key, { key, de, stem: stem === '-' ? de : stem, classes: new Set(classes), judgement }];
    }),
);
