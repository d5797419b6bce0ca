/**
 * Regular expressions in ECMAScript's notation (ECMA-262, "Patterns", with the flag u) as expressions over characters. A match need
 * not be found, only described, so lazy quantifiers are greedy ones and groups capture nothing. Looking ahead is a condition on the
 * rest of the text; it is read where that rest is known, outside of groups.
 */
import { ConfigError } from '../../errors.ts';
import { show } from '../options.ts';
import { ANY_CHARACTER, type CodePoints, charactersOf, complement, rangesOf, union } from './code-points.ts';
import { character, choice, type Expression, NOTHING, repeat, sequence } from './language.ts';

/** What a pattern may take. */
const DEEPEST = 100;
const LONGEST = 10_000;
const MOST_REPEATS = 100_000;

export interface RegexOptions {
  /** Whether the pattern is the whole text (true) or something in it (false), as in JSON schemas. */
  readonly anchored: boolean;
  /** Whether more may follow that is not known here, so that nothing can be looked ahead for. */
  readonly isPart?: boolean | undefined;
  /** For errors. */
  readonly where?: string | undefined;
  /** How a character of a set is written in the output; default as itself. */
  readonly write?: (set: CodePoints) => Expression;
}

const DIGITS: CodePoints = rangesOf([[48, 57]]);
const WORD: CodePoints = rangesOf([
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
]);
const LINE_ENDS = charactersOf('\n\r\u2028\u2029');
const SPACES: CodePoints = union(
  LINE_ENDS,
  rangesOf([
    [9, 13],
    [0x2000, 0x200a],
  ]),
  charactersOf(' \u00a0\u1680\u202f\u205f\u3000\ufeff'),
);
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', v: '\v', f: '\f', 0: '\0' };
const CLASSES: Readonly<Record<string, CodePoints>> = {
  d: DIGITS,
  D: complement(DIGITS),
  w: WORD,
  W: complement(WORD),
  s: SPACES,
  S: complement(SPACES),
};

/** @throws ConfigError for what is no pattern, or needs more than a finite automaton */
export function parseRegex(pattern: string | RegExp, options: RegexOptions): Expression {
  const source = pattern instanceof RegExp ? pattern.source : pattern;
  const flags = pattern instanceof RegExp ? pattern.flags.replace(/[dgy]/g, '') : '';
  const { where = 'regex' } = options;
  if (typeof source !== 'string' || source.length > LONGEST)
    throw new ConfigError('not a regular expression', {
      seen: typeof source === 'string' ? `${source.length} characters` : show(source),
      expected: `a text of at most ${LONGEST} characters`,
      where,
    });
  if (/[^isu]/.test(flags))
    throw new ConfigError('a flag of the regular expression is not supported', {
      seen: flags,
      expected: 'i, s, u',
      where,
    });
  return new RegexParser(source, flags, { ...options, where }).parse();
}

/** Unicode's classes by name, as the engine knows them: each takes a look at every character. */
const properties = new Map<string, CodePoints>();

class RegexParser {
  readonly #source: string;
  readonly #chars: readonly string[];
  readonly #where: string;
  readonly #dot: CodePoints;
  readonly #ignoresCase: boolean;
  readonly #write: (set: CodePoints) => Expression;
  readonly #anything: Expression;
  readonly #anchored: boolean;
  readonly #isPart: boolean;
  #at = 0;
  #depth = 0;

  constructor(source: string, flags: string, options: RegexOptions & { readonly where: string }) {
    const { anchored, isPart = false, where, write = character } = options;
    this.#source = source;
    this.#chars = Array.from(source);
    this.#where = where;
    this.#dot = flags.includes('s') ? ANY_CHARACTER : complement(LINE_ENDS);
    this.#ignoresCase = flags.includes('i');
    this.#write = write;
    this.#anything = repeat(write(ANY_CHARACTER), 0);
    this.#anchored = anchored;
    this.#isPart = isPart;
  }

  parse(): Expression {
    const anchored = this.#anchored;
    // Anchors stand at the ends of the alternatives that are not in a group; elsewhere they are refused.
    const ways: Expression[] = [];
    do {
      const fromStart = this.#take('^') || anchored;
      const way = this.#toEnd(anchored, fromStart);
      ways.push(fromStart ? way : sequence(this.#anything, way));
    } while (this.#take('|'));
    if (this.#at < this.#chars.length) this.#refuse('a bracket that closes nothing, or an anchor within the pattern');
    return choice(...ways);
  }

  /** The terms of an alternative and what stands behind them, to the end of the text. */
  #toEnd(anchored: boolean, fromStart: boolean): Expression {
    const parts: Expression[] = [];
    const looks: { at: number; isNegative: boolean; text: Expression }[] = [];
    for (;;) {
      const look = this.#ahead(/^\(\?([=!])/);
      if (look && this.#isPart) this.#refuse('looking ahead in a part of a grammar');
      if (look)
        looks.push({
          at: parts.length,
          isNegative: look[1] === '!',
          text: this.#lookedFor(fromStart && parts.length === 0),
        });
      else if (this.#termsEnd()) break;
      else parts.push(this.#quantified());
    }
    let rest = this.#take('$') || anchored ? NOTHING : this.#anything;
    for (const { at, isNegative, text } of looks.reverse()) {
      const then = sequence(...parts.splice(at), rest);
      const all = isNegative ? [then] : [then, text];
      rest = { kind: 'common', all, none: isNegative ? [text] : [], where: this.#where };
    }
    return sequence(...parts, rest);
  }

  /** What is looked ahead for, to the end of the text; the brackets are open. */
  #lookedFor(atStart: boolean): Expression {
    if (++this.#depth > DEEPEST) this.#refuse(`more than ${DEEPEST} groups within each other`);
    const ways: Expression[] = [];
    do {
      if (atStart) this.#take('^');
      ways.push(this.#toEnd(false, atStart));
    } while (this.#take('|'));
    if (!this.#take(')')) this.#refuse('a bracket that is not closed, or an anchor within what is looked ahead for');
    this.#depth--;
    return choice(...ways);
  }

  #alternatives(): Expression {
    if (++this.#depth > DEEPEST) this.#refuse(`more than ${DEEPEST} groups within each other`);
    const ways = [this.#terms()];
    while (this.#take('|')) ways.push(this.#terms());
    this.#depth--;
    return choice(...ways);
  }

  #terms(): Expression {
    const parts: Expression[] = [];
    while (!this.#termsEnd()) parts.push(this.#quantified());
    return parts.length === 0 ? NOTHING : sequence(...parts);
  }
  #termsEnd(): boolean {
    return this.#at >= this.#chars.length || '|)$'.includes(this.#chars[this.#at]!);
  }

  #quantified(): Expression {
    const atom = this.#atom();
    const [least, most] = this.#quantifier() ?? [1, 1];
    if ('*+?{'.includes(this.#chars[this.#at] ?? ' ')) this.#refuse('a quantifier behind a quantifier');
    return least === 1 && most === 1 ? atom : repeat(atom, least, most);
  }

  #quantifier(): [number, number] | undefined {
    const found = this.#quantifierOnly();
    if (found) this.#take('?');
    return found;
  }
  #quantifierOnly(): [number, number] | undefined {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#take('?')) return [0, 1];
    const counts = this.#ahead(/^\{(\d{1,9})(,(\d{0,9}))?\}/);
    if (!counts) return undefined;
    const least = Number(counts[1]);
    const most = counts[2] === undefined ? least : counts[3] ? Number(counts[3]) : Number.POSITIVE_INFINITY;
    if (most < least) this.#refuse('a count from high to low');
    if (least > MOST_REPEATS || (most > MOST_REPEATS && most < Number.POSITIVE_INFINITY))
      this.#refuse(`a count above ${MOST_REPEATS}`);
    return [least, most];
  }

  #atom(): Expression {
    const char = this.#chars[this.#at]!;
    if (char === '(') {
      this.#at++;
      if (this.#ahead(/^\?<[=!]/)) this.#refuse('looking behind');
      if (this.#ahead(/^\?[=!]/)) this.#refuse('looking ahead within a group');
      if (!this.#ahead(/^\?:/)) this.#ahead(/^\?<[A-Za-z_$][\w$]*>/);
      if (this.#chars[this.#at] === '?') this.#refuse('this kind of group');
      const inner = this.#alternatives();
      if (this.#chars[this.#at] === '$') this.#refuse('an anchor within a group');
      if (!this.#take(')')) this.#refuse('a bracket that is not closed');
      return inner;
    }
    if (char === '^') this.#refuse('an anchor within the pattern');
    if ('*+?{}]'.includes(char)) this.#refuse(`'${char}' that has to be written '\\${char}'`);
    this.#at++;
    if (char === '.') return this.#write(this.#dot);
    const set = char === '[' ? this.#class() : char === '\\' ? this.#escape(false) : charactersOf(char);
    return this.#write(this.#ignoresCase ? bothCases(set) : set);
  }

  #class(): CodePoints {
    const negated = this.#take('^');
    const sets: CodePoints[] = [];
    for (;;) {
      const char = this.#chars[this.#at++];
      if (char === undefined) this.#refuse('a character class that is not closed');
      if (char === ']') break;
      const low = char === '\\' ? this.#escape(true) : charactersOf(char!);
      if (this.#chars[this.#at] === '-' && (this.#chars[this.#at + 1] ?? ']') !== ']') {
        this.#at++;
        const end = this.#chars[this.#at++]!;
        const high = end === '\\' ? this.#escape(true) : charactersOf(end);
        if (low.length !== 2 || high.length !== 2 || low[0] !== low[1] || high[0] !== high[1] || high[0]! < low[0]!)
          this.#refuse('a range that is none');
        sets.push(rangesOf([[low[0]!, high[0]!]]));
      } else sets.push(low);
    }
    const set = union(...sets);
    return negated ? complement(this.#ignoresCase ? bothCases(set) : set) : set;
  }

  /** What stands behind a backslash. */
  #escape(inClass: boolean): CodePoints {
    const hex = this.#ahead(/^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\})/);
    if (hex) {
      const point = Number.parseInt((hex[1] ?? hex[2] ?? hex[3])!, 16);
      const pair = point >= 0xd800 && point < 0xdc00 ? this.#ahead(/^\\u([dD][c-fC-F][0-9a-fA-F]{2})/) : undefined;
      const whole = pair ? 0x10000 + ((point - 0xd800) << 10) + Number.parseInt(pair[1]!, 16) - 0xdc00 : point;
      if (whole > 0x10ffff || (whole >= 0xd800 && whole <= 0xdfff)) this.#refuse('half a character');
      return [whole, whole];
    }
    const property = this.#ahead(/^([pP])\{([A-Za-z_]+(?:=[A-Za-z_]+)?)\}/);
    if (property) return this.#property(property[2]!, property[1] === 'P');
    const char = this.#chars[this.#at++];
    if (char === undefined) this.#refuse('a backslash at the end');
    if (inClass && char === 'b') return charactersOf('\b');
    if (Object.hasOwn(CLASSES, char!)) return CLASSES[char!]!;
    if (Object.hasOwn(ESCAPED, char!)) return charactersOf(ESCAPED[char!]!);
    if (/[bB]/.test(char!)) this.#refuse('a word boundary');
    if (/[1-9k]/.test(char!)) this.#refuse('a reference to a group');
    if (/[A-Za-z]/.test(char!)) this.#refuse(`the escape \\${char}`);
    return charactersOf(char!);
  }

  #property(name: string, negated: boolean): CodePoints {
    let set = properties.get(name);
    if (!set) properties.set(name, (set = this.#readProperty(name)));
    return negated ? complement(set) : set;
  }
  #readProperty(name: string): CodePoints {
    let test: RegExp;
    try {
      test = new RegExp(`^\\p{${name}}$`, 'u');
    } catch (cause) {
      throw new ConfigError('no such class of characters', { seen: name, where: this.#where, cause });
    }
    const ranges: [number, number][] = [];
    for (let point = 0; point <= 0x10ffff; point++) {
      if (point === 0xd800) point = 0xe000;
      if (!test.test(String.fromCodePoint(point))) continue;
      if (ranges.at(-1)?.[1] === point - 1) ranges.at(-1)![1] = point;
      else ranges.push([point, point]);
    }
    return rangesOf(ranges);
  }

  #take(char: string): boolean {
    if (this.#chars[this.#at] !== char) return false;
    this.#at++;
    return true;
  }
  /** Takes what matches here. */
  #ahead(pattern: RegExp): RegExpMatchArray | undefined {
    const found = this.#chars
      .slice(this.#at, this.#at + 64)
      .join('')
      .match(pattern);
    if (found) this.#at += Array.from(found[0]).length;
    return found ?? undefined;
  }
  #refuse(what: string): never {
    throw new ConfigError('this regular expression cannot be followed token by token', {
      seen: `${what}, at character ${this.#at} of ${show(this.#source)}`,
      where: this.#where,
    });
  }
}

/** A set with the other case of each of its ASCII letters. */
function bothCases(set: CodePoints): CodePoints {
  const swapped: [number, number][] = [];
  for (let i = 0; i < set.length; i += 2)
    for (const [from, to, shift] of [
      [65, 90, 32],
      [97, 122, -32],
    ] as const)
      swapped.push([Math.max(set[i]!, from) + shift, Math.min(set[i + 1]!, to) + shift]);
  return union(set, rangesOf(swapped));
}
