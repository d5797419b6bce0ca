/**
 * From tags to entities, as seqeval 1.2.2 reads them. The lenient reading takes any tags for IOB2 with E and S as extras
 * and makes the most of inconsistent ones, as conlleval does; the strict reading follows one scheme and drops what breaks
 * its rules.
 */

import { ConfigError } from '../../errors.ts';

export type TagScheme = 'IOB1' | 'IOB2' | 'IOE1' | 'IOE2' | 'IOBES' | 'BILOU';

/** An entity: its type, the sequence it is in, its first token, and the token after its last. */
export interface EntitySpan {
  readonly type: string;
  readonly sequence: number;
  readonly start: number;
  readonly end: number;
}

/**
 * A scheme as the pairs of tags between which an entity begins, goes on, or has ended: the letter before, the letter now
 * (`?` is any), and how their types must relate (`=` same, `!` different, `*` either).
 */
interface Rules {
  readonly letters: string;
  readonly start: readonly string[];
  readonly inside: readonly string[];
  readonly end: readonly string[];
}

const RULES: Readonly<Record<TagScheme, Rules>> = {
  IOB1: {
    letters: 'IOB',
    start: ['OI*', 'II!', 'BI*', 'IB=', 'BB='],
    inside: ['BI=', 'II='],
    end: ['II!', 'IO*', 'IB*', 'BO*', 'BI!', 'BB='],
  },
  // As in the reference, an entity of one E between others is not seen.
  IOE1: {
    letters: 'IOE',
    start: ['OI*', 'II!', 'EI*', 'EE='],
    inside: ['II=', 'IE='],
    end: ['II!', 'IO*', 'IE!', 'EI=', 'EE='],
  },
  IOB2: {
    letters: 'IOB',
    start: ['?B*'],
    inside: ['BI=', 'II='],
    end: ['IO*', 'II!', 'IB*', 'BO*', 'BI!', 'BB*'],
  },
  IOE2: {
    letters: 'IOE',
    start: ['OI*', 'OE*', 'EI*', 'EE*', 'II!', 'IE!'],
    inside: ['IE=', 'II='],
    end: ['E?*'],
  },
  IOBES: {
    letters: 'IOBES',
    start: ['?B*', '?S*'],
    inside: ['BI=', 'BE=', 'II=', 'IE='],
    end: ['S?*', 'E?*'],
  },
  BILOU: {
    letters: 'BILOU',
    start: ['?B*', '?U*'],
    inside: ['BI=', 'BL=', 'II=', 'IL='],
    end: ['U?*', 'L?*'],
  },
};

/** Schemes of the strict reading. */
export const TAG_SCHEMES = Object.keys(RULES) as readonly TagScheme[];

interface Tag {
  readonly letter: string;
  readonly type: string;
}
const OUTSIDE: Tag = { letter: 'O', type: '_' };

/**
 * The entities of one sequence under a scheme; tags that break its rules belong to none. `suffix` reads `PER-B` for `B-PER`.
 * Throws `ConfigError` for a tag whose letter the scheme does not have.
 */
export function strictEntities(
  tags: readonly string[],
  scheme: TagScheme,
  { suffix = false, sequence = 0 }: { readonly suffix?: boolean; readonly sequence?: number } = {},
): EntitySpan[] {
  const rules = RULES[scheme];
  const read = tags.map((tag, position) => {
    const { letter, type } = splitTag(tag, suffix);
    if (tag === '' || !rules.letters.includes(letter)) throw unknownTag(tag, [...rules.letters], sequence, position);
    return { letter, type: type.replace(/^-+|-+$/g, '') || '_' };
  });
  read.push(OUTSIDE);
  const spans: EntitySpan[] = [];
  let before = OUTSIDE;
  for (let at = 0; at < read.length; ) {
    const first = read[at]!;
    let end = at + 1;
    if (matches(rules.start, before, first)) {
      while (end < read.length && matches(rules.inside, read[end - 1]!, read[end]!)) end++;
      // Only the O behind the last tag can lie at the end, and no entity begins with it.
      if (matches(rules.end, read[end - 1]!, read[end]!)) spans.push({ type: first.type, sequence, start: at, end });
    }
    at = end;
    before = read[at - 1]!;
  }
  return spans;
}

/**
 * The entities of one sequence in the lenient reading: an entity begins at B, S, a change of type, or the first tag after
 * O, E or S; it ends before O, B, S, a change of type, or after E and S. Throws `ConfigError` for a tag that is not O or
 * B, I, E or S with a type.
 */
export function lenientEntities(
  tags: readonly string[],
  { suffix = false, sequence = 0 }: { readonly suffix?: boolean; readonly sequence?: number } = {},
): EntitySpan[] {
  const spans: EntitySpan[] = [];
  let before = OUTSIDE;
  let start = 0;
  for (let at = 0; at <= tags.length; at++) {
    const tag = at < tags.length ? lenientTag(tags[at]!, suffix, sequence, at) : OUTSIDE;
    const changes = before.type !== tag.type;
    const cut = 'BSO'.includes(tag.letter) || 'ES'.includes(before.letter) || changes;
    if (before.letter !== 'O' && cut) spans.push({ type: before.type, sequence, start, end: at });
    if (tag.letter !== 'O' && ('BS'.includes(tag.letter) || 'OES'.includes(before.letter) || changes)) start = at;
    before = tag;
  }
  return spans;
}

function lenientTag(tag: string, suffix: boolean, sequence: number, position: number): Tag {
  const { letter, type } = splitTag(tag, suffix);
  if (!(suffix ? /^(O|[BIES]|.*-[BIES])$/su : /^(O|[BIES]|[BIES]-.*)$/su).test(tag)) {
    throw unknownTag(tag, [...'OBIES'], sequence, position);
  }
  // One dash belongs to the letter; a type may have more.
  return { letter, type: (suffix ? type.replace(/-$/, '') : type.replace(/^-/, '')) || '_' };
}

/** The scheme that all tags fit, found by their letters. Throws `ConfigError` if they fit none or more than one. */
export function detectScheme(sequences: readonly (readonly string[])[], suffix = false): TagScheme {
  const letters = new Set(sequences.flatMap(tags => tags.map(tag => splitTag(tag, suffix).letter)));
  const has = (all: string) => [...all].every(letter => letters.has(letter));
  const only = (some: string) => [...letters].every(letter => some.includes(letter));
  if (has('B') && only('IOB')) return 'IOB2';
  if (has('E') && only('IOE')) return 'IOE2';
  if ((has('BE') && only('IOBES')) || (has('S') && only('S'))) return 'IOBES';
  if ((has('BL') && only('BILOU')) || (has('U') && only('U'))) return 'BILOU';
  throw new ConfigError('the tags tell no scheme', {
    seen: `the letters ${[...letters].join(', ')}`,
    expected: 'those of IOB2, IOE2, IOBES or BILOU',
    fix: 'name the scheme',
    where: 'detectScheme',
  });
}

function splitTag(tag: string, suffix: boolean): Tag {
  return suffix ? { letter: tag.slice(-1), type: tag.slice(0, -1) } : { letter: tag.slice(0, 1), type: tag.slice(1) };
}

function matches(pairs: readonly string[], before: Tag, now: Tag): boolean {
  return pairs.some(
    ([left, right, types]) =>
      (left === '?' || left === before.letter) &&
      (right === '?' || right === now.letter) &&
      (types === '*' || (types === '=') === (before.type === now.type)),
  );
}

function unknownTag(tag: string, letters: readonly string[], sequence: number, position: number): ConfigError {
  return new ConfigError('an unknown tag', {
    seen: JSON.stringify(tag),
    expected: `O, or one of ${letters.filter(letter => letter !== 'O').join(', ')} with a type, like B-PER`,
    where: `sequence ${sequence}, token ${position}`,
  });
}
