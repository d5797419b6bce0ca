/**
 * Train, test and unseen combinations, by construction.
 *
 * About 5 % of the pairs (agent, verb) and (adjective, noun) are held out: train and test never contain one, a sentence of
 * `combination` always does. They are taken out of the options before a choice is made, so the log-probability stays exact.
 *
 * Train and test share no sentence: a stable hash of the frame says which of the two it belongs to, 90 : 10, and a frame of the
 * other is drawn again. The hash knows nothing of probability, so the log-probability that counts is that of the free choice,
 * and the entropy of a sentence is the grammar's. Exempt are frames with fewer than two content words (*Er schläft.*, *Sie ist
 * müde.*): there are too few of them.
 */

import { names } from '../lexicon/names.ts';
import type { Choices } from './choices.ts';
import type { Clause, Frame, Mention } from './frame.ts';

export type Split = 'train' | 'test' | 'combination';

/** 32-bit FNV-1a of the code units, with a final mix. */
export function stableHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Pairs that everybody expects to see, whatever the hash says. */
const always: ReadonlySet<string> = new Set(['dog chase', 'cat climb', 'red ball']);

function heldOut(pair: string): boolean {
  return stableHash(`kleinwelt ${pair}`) % 20 === 0 && !always.has(pair);
}

/** Whether an agent (key of a noun or name; a family name does not count) never does this in train and test. Anyone *is*. */
export function heldOutEvent(agent: string, verb: string): boolean {
  return verb !== 'be' && heldOut(`${agent.split(' ')[0]} ${verb}`);
}

/** Whether a noun never has this adjective in train and test. */
export function heldOutQuality(adjective: string, noun: string): boolean {
  return heldOut(`${adjective} ${noun}`);
}

/** Whether a held-out pair occurs anywhere in the frame; a pronoun is part of none, as its text says no noun. */
export function hasHeldOut(frame: Frame): boolean {
  return clauseHasHeldOut(frame.main) || (frame.link !== undefined && clauseHasHeldOut(frame.link.clause));
}

function clauseHasHeldOut(clause: Clause): boolean {
  const { agent, quality } = clause;
  if (agent.form !== 'pronoun' && heldOutEvent(agent.head, clause.verb)) return true;
  if (agent.and !== undefined && heldOutEvent(agent.and.head, clause.verb)) return true;
  // A judgement's quality is said of its patient: *findet den Kuchen gut*.
  const bearer = clause.patient ?? agent;
  if (
    quality !== undefined &&
    bearer.form !== 'pronoun' &&
    !names.has(bearer.head) &&
    heldOutQuality(quality, bearer.head)
  )
    return true;
  return [agent, clause.patient, clause.recipient, clause.place?.ground].some(mentionHasHeldOut);
}

function mentionHasHeldOut(mention: Mention | undefined): boolean {
  if (mention === undefined) return false;
  if (mention.adjective !== undefined && heldOutQuality(mention.adjective, mention.head)) return true;
  if (mention.relative !== undefined && clauseHasHeldOut(mention.relative)) return true;
  return mentionHasHeldOut(mention.owner) || mentionHasHeldOut(mention.and);
}

/** Share of the frames that are for tests. */
export const testShare = 0.1;

/** Whether a frame is too small for the split: fewer than two content words. */
export function isExempt(frame: Frame): boolean {
  return contentWords(frame.main) + (frame.link === undefined ? 0 : contentWords(frame.link.clause)) < 2;
}

function contentWords(clause: Clause): number {
  let count = clause.verb === 'be' || clause.verb === 'have' ? 0 : 1;
  if (clause.quality !== undefined) count++;
  if (clause.name !== undefined) count++;
  if (clause.time !== undefined) count++;
  for (const mention of [clause.agent, clause.patient, clause.recipient, clause.place?.ground]) {
    if (mention === undefined || mention.form === 'pronoun' || mention.form === 'gap') continue;
    count += 1 + (mention.adjective === undefined ? 0 : 1);
  }
  return count;
}

/** The half a frame belongs to, the same for both languages: by the hash of its meaning without who is who in a story. */
export function halfOf({ main, link }: Frame): 'train' | 'test' {
  const linked = link === undefined ? '' : `${link.word}${link.first ? '<' : '>'}${clauseKey(link.clause)}`;
  return stableHash(clauseKey(main) + linked) % (1 / testShare) === 0 ? 'test' : 'train';
}

/** Equal for clauses with equal words. Field by field: the order in which an object was made does not count. */
export function clauseKey(clause: Clause): string {
  const { verb, tense, modal = '', negated, agent, patient, recipient, place, time = '', first } = clause;
  const { quality = '', degree = '', name = '' } = clause;
  const where = place === undefined ? '' : place.preposition + mentionKey(place.ground);
  const who = `${mentionKey(agent)}|${mentionKey(patient)}|${mentionKey(recipient)}`;
  return `${verb}|${tense}|${modal}|${negated ? 'not' : ''}|${who}|${where}|${time}|${quality}|${degree}|${name}|${first};`;
}

function mentionKey(mention: Mention | undefined): string {
  if (mention === undefined) return '';
  // *Er*, *sie*, *es* of whoever: the text is what must not be shared.
  if (mention.form === 'pronoun') return 'pronoun';
  const { head, form, plural, determiner = '', count = '', adjective = '', owner, relative, and } = mention;
  const clause = relative === undefined ? '' : clauseKey(relative);
  const plain = `${head},${form},${plural ? 'many' : ''},${determiner},${count},${adjective}`;
  return `${plain}(${mentionKey(owner)})(${clause})(${mentionKey(and)})`;
}

/**
 * Whether a drawn sentence may stand in a split. An exempt frame is of either half, but is kept no more often than others, so
 * that its share stays what the grammar says. In `combination` only whole documents must have a held-out pair.
 */
export function fits(frame: Frame, split: Split, choices: Choices): boolean {
  if (split === 'combination') return true;
  if (!isExempt(frame)) return halfOf(frame) === split;
  const start = choices.logProbability;
  const test = choices.chance(testShare);
  choices.rewind(start);
  return test === (split === 'test');
}
