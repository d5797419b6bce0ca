/**
 * Stories: a fact in the first sentence, events, and a last sentence in which the fact is needed. Who is meant by a pronoun
 * follows from the text: somebody of the sentence before, in which nothing else has its gender in German or its kind in English.
 *
 * Nothing is told twice: what would be is drawn again, and the log-probability that counts is that of the free choice, exact
 * but for these repetitions, which are one in 70 events (0.014 nats of some ten).
 */

import { isPlural, verbOf } from '../lexicon/look-up.ts';
import { type Cast, castOf, type RecallKind } from './cast.ts';
import { confusable, eventClause, reversible } from './events.ts';
import type { Clause, Frame, Mention } from './frame.ts';
import { agentMention, type Sampler } from './mentions.ts';
import { verbsFor } from './select.ts';
import { linked, single } from './sentences.ts';
import { clauseKey, fits } from './split.ts';

/** A story before it is put into words. */
export interface StoryPlan {
  readonly frames: readonly Frame[];
  /** The last event with names for pronouns and without its time. */
  readonly summary: Frame;
  readonly characters: readonly Mention[];
  readonly recall: RecallKind;
}

export interface StoryOptions {
  /** How many sentences lie between fact and recall; chosen, most often few, where it is not given. */
  readonly events?: number;
  /** The share of events in two clauses. */
  readonly long?: number;
}

const eventCounts = [22, 22, 18, 13, 9, 7, 5, 4].map((weight, index) => [index + 1, weight] as const);

/** Thrown inside when no sentence of the split can go on; the story is begun again. */
class NoWayOn extends Error {}

/** Plans a story. All choices count towards the log-probability; what was thrown away for the split does not. */
export function storyPlan(sampler: Sampler, options: StoryOptions = {}): StoryPlan {
  const { choices } = sampler;
  const start = choices.logProbability;
  for (;;) {
    try {
      return attempt(sampler, options);
    } catch (error) {
      if (!(error instanceof NoWayOn)) throw error;
      choices.rewind(start);
    }
  }
}

/** Draws until all frames are of the split and nothing in them is told `before`. */
function drawn<T>(
  { choices, split }: Sampler,
  before: readonly Frame[],
  make: () => T,
  framesOf: (made: T) => readonly Frame[],
): T {
  const told = new Set(before.flatMap(clauseKeys));
  const start = choices.logProbability;
  for (let tries = 0; tries < 200; tries++) {
    const made = make();
    const isNew = (frame: Frame) => clauseKeys(frame).every(key => !told.has(key));
    if (framesOf(made).every(frame => fits(frame, split, choices) && isNew(frame))) return made;
    choices.rewind(start);
  }
  throw new NoWayOn();
}

const clauseKeys = ({ main, link }: Frame) => (link === undefined ? [main] : [main, link.clause]).map(clauseKey);

function attempt(sampler: Sampler, options: StoryOptions): StoryPlan {
  const { choices } = sampler;
  const count = options.events ?? choices.weighted(eventCounts);
  const long = options.long ?? 0.2;
  const cast = drawn(
    sampler,
    [],
    () => castOf(sampler),
    ({ opening }) => [opening],
  );
  const { hero, other, opening } = cast;
  // The characters, the thing and the name are the story's own: nobody else is or has one.
  const own = [hero.head, other.head, opening.main.patient?.head, opening.main.name];
  const inner: Sampler = { ...sampler, absent: new Set(own.filter(key => key !== undefined)) };
  const frames: Frame[] = [opening];
  for (let i = 0; i < count; i++) {
    const event = () => eventFrame(inner, cast, frames, long);
    frames.push(drawn(inner, frames, event, frame => [frame]));
  }
  const last = () => {
    const event = timed(inner, 0.5, frames, cast.closing());
    return single({ ...event, agent: worded(inner, cast, hero, frames, event) });
  };
  const end = drawn(inner, frames, last, frame => [frame]);
  const { time: _, ...event } = end.main;
  const summary = single({ ...event, agent: unnumbered(hero), first: 'agent' });
  const characters = [hero, other].map(unnumbered);
  return { frames: [...frames, end], summary, characters, recall: cast.recall };
}

function unnumbered({ referent: _, ...mention }: Mention): Mention {
  return mention;
}

/** An event in the middle: of one of the two, between them, or of somebody else; 20 % go on with a second clause. */
function eventFrame(sampler: Sampler, cast: Cast, frames: readonly Frame[], long: number): Frame {
  const { choices } = sampler;
  const { tense } = cast;
  const main = eventMain(sampler, cast, frames);
  if (!choices.chance(long)) return single(main);
  const agent = agentMention(sampler, { living: true, acting: true, single: true, except: main.agent.head });
  const clause = eventClause(sampler, agent, { tense, bare: true });
  return linked(main, { word: choices.chance(0.5) ? 'and' : 'because', clause });
}

function eventMain(sampler: Sampler, cast: Cast, frames: readonly Frame[]): Clause {
  const { choices } = sampler;
  const { hero, other, tense } = cast;
  // The companion comes in with the first event, unless known from the opening: who it is has to be seen.
  const free = frames.length > 1 || cast.recall === 'name' ? 1 : 0;
  const who = choices.weighted([
    ['hero', 40 * free],
    ['other', 26],
    ['both', 20],
    ['else', 14 * free],
  ] as const);
  switch (who) {
    case 'both':
      return meeting(sampler, cast, frames);
    case 'else': {
      const agent = agentMention(sampler, { living: true, acting: true, single: true });
      return eventClause(sampler, agent, { tense, bare: true });
    }
    default: {
      const agent = who === 'hero' ? hero : other;
      const event = timed(sampler, 0.2, frames, eventClause(sampler, agent, { tense, bare: true, doing: true }));
      return { ...event, agent: worded(sampler, cast, agent, frames, event) };
    }
  }
}

const day = ['in the morning', 'at noon', 'in the evening', 'at night'];

/** With a time of the day in front, later than those before it. */
function timed({ choices }: Sampler, p: number, frames: readonly Frame[], clause: Clause): Clause {
  const passed = frames.findLast(frame => frame.main.time !== undefined)?.main.time ?? '';
  const later = day.slice(day.indexOf(passed) + 1);
  if (later.length === 0 || !choices.chance(p)) return clause;
  return { ...clause, time: choices.pick(later), first: 'time' };
}

const deeds = {
  people: 'see,greet,visit,phone,invite,wait for,help,thank,follow,listen to,watch'.split(','),
  toAnimal: 'see,watch,feed,stroke,look for,find,paint,draw,follow,wake'.split(','),
  ofAnimal: 'see,hear,watch,follow,wake,run after'.split(','),
};

/** One of the two does something to the other. */
function meeting(sampler: Sampler, cast: Cast, frames: readonly Frame[]): Clause {
  const { choices, split } = sampler;
  const { hero, other, tense } = cast;
  const able = (agent: Mention, keys: readonly string[]) =>
    keys.filter(key => verbsFor(agent.head, verbOf(key).kind, 'one', 'all', split).some(verb => verb.key === key));
  const people = other.form === 'name';
  const back = able(other, people ? deeds.people : deeds.ofAnimal);
  const turned = back.length > 0 && choices.chance(0.35);
  const agent = worded(sampler, cast, turned ? other : hero, frames);
  const verb = verbOf(choices.pick(turned ? back : able(hero, people ? deeds.people : deeds.toAnimal)));
  const object = worded(sampler, cast, turned ? hero : other, frames);
  const role = verb.kind === 'dative' ? 'recipient' : 'patient';
  return { verb: verb.key, tense, agent, [role]: object, first: 'agent' };
}

/** What a pronoun for a character stands for: a pet that has a name is *he* or *she*, though it is called *the dog*. */
function meant(mention: Mention, { opening }: Cast): Mention {
  const { agent, name } = opening.main;
  return name !== undefined && mention.referent === agent.referent ? { head: name, form: 'name' } : mention;
}

/**
 * A character: by a pronoun, most often, where the sentence before names it, nothing else there fits the pronoun, and it is not
 * taken for the object of the event that it is the agent of.
 */
function worded({ choices }: Sampler, cast: Cast, mention: Mention, frames: readonly Frame[], event?: Clause): Mention {
  const who = meant(mention, cast);
  const pronoun: Mention = { head: who.head, form: 'pronoun', referent: mention.referent! };
  const inverted = event !== undefined && event.first !== 'agent' && reversible({ ...event, agent: pronoun });
  const before = mentionsOf(frames[frames.length - 1]!);
  const known = before.some(other => other.referent === mention.referent);
  const clear = before.every(other => other.referent === mention.referent || !confusable(who, other));
  const free = known && clear && !inverted && !isPlural(mention);
  return free && choices.chance(0.8) ? pronoun : mention;
}

/** All mentions of a frame's clauses, owners included. */
function mentionsOf({ main, link }: Frame): readonly Mention[] {
  const mentions: Mention[] = [];
  for (const clause of link === undefined ? [main] : [main, link.clause]) {
    for (const mention of [clause.agent, clause.patient, clause.recipient, clause.place?.ground]) {
      if (mention === undefined) continue;
      mentions.push(mention);
      if (mention.owner !== undefined) mentions.push(mention.owner);
    }
  }
  return mentions;
}
