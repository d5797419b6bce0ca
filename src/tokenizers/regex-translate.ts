/**
 * Regular expressions of tokenizer files (Oniguruma and Rust syntax) as JavaScript ones, for the safe subset: classes,
 * groups, alternation, quantifiers also lazy and possessive, look-around, anchors, `(?i:...)`. `\s`, `\w`, `\d`, `.`, `^`, `$`
 * get the meaning they have there. Patterns that can take exponential time (a repeat of something that itself repeats or
 * chooses) and everything outside the subset are refused.
 */
import { TokenizerError, UnsupportedError } from '../errors.ts';
import {
  atomic,
  CHARACTER,
  type Cost,
  either,
  inSequence,
  longestInput,
  lookAround,
  NOTHING,
  repeated,
} from './regex-cost.ts';
import { type RegexNode, RegexProgram } from './regex-program.ts';

const MAX_PATTERN = 20_000;
const MAX_DEPTH = 50;
const MAX_REPEAT = 1000;
/** A pattern that is safe on shorter texts only is of no use. */
const SHORTEST_LIMIT = 64;

const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';
const CONTROL_ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  f: '\f',
  v: '\v',
  a: '\x07',
  e: '\x1b',
};
/** Escapes that stand for a set: [as an atom, as part of a class]. */
const SET_ESCAPES: Readonly<Record<string, readonly [string, string | undefined]>> = {
  s: ['\\p{White_Space}', '\\p{White_Space}'],
  S: ['\\P{White_Space}', '\\P{White_Space}'],
  d: ['\\p{Nd}', '\\p{Nd}'],
  D: ['\\P{Nd}', '\\P{Nd}'],
  w: [`[${WORD}]`, WORD],
  W: [`[^${WORD}]`, undefined],
};
const ANCHORS: Readonly<Record<string, string>> = {
  A: '(?<![^])',
  z: '(?![^])',
  b: `(?:(?<=[${WORD}])(?![${WORD}])|(?<![${WORD}])(?=[${WORD}]))`,
};
const GROUPS = ['(?:', '(?=', '(?!', '(?<=', '(?<!'] as const;

/** Part of a translated pattern, and whether it can match one text in several ways: it repeats or chooses. */
interface Part {
  readonly source: string;
  readonly flexible: boolean;
  readonly cost: Cost;
  readonly node: RegexNode;
}

class Translator {
  readonly #pattern: string;
  #at = 0;
  #depth = 0;
  #atomics = 0;
  /** What the properties mean that were met: the engine takes its time to say which ones it knows. */
  readonly #properties = new Map<string, string>();
  /** Every alternative is one character class with or without a quantifier. */
  #simple = true;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  translate(): { source: string; longest: number; node: RegexNode } {
    let fold = false;
    if (this.#take('(?i)')) fold = true;
    const { source, cost, node } = this.#alternatives(fold);
    if (this.#at < this.#pattern.length) this.#refuse('an unmatched )');
    const longest = this.#simple ? Number.POSITIVE_INFINITY : longestInput(cost);
    if (longest < SHORTEST_LIMIT) this.#refuse('so many repeats or choices in a row that it may take exponential time');
    return { source, longest, node };
  }

  #refuse(what: string): never {
    throw new UnsupportedError(`a split or replace pattern uses ${what}`, {
      seen: `${JSON.stringify(this.#pattern.slice(0, 120))} at ${this.#at}`,
      expected: 'classes, groups, alternation, unnested quantifiers, look-around',
    });
  }

  #take(literal: string): boolean {
    if (!this.#pattern.startsWith(literal, this.#at)) return false;
    this.#at += literal.length;
    return true;
  }

  #next(): string {
    const codePoint = this.#pattern.codePointAt(this.#at);
    if (codePoint === undefined) return this.#refuse('an unfinished construct');
    const char = String.fromCodePoint(codePoint);
    this.#at += char.length;
    return char;
  }

  #alternatives(fold: boolean): Part {
    if (++this.#depth > MAX_DEPTH) this.#refuse(`more than ${MAX_DEPTH} nested groups`);
    let source = '';
    let flexible = false;
    let atoms = 0;
    let cost = NOTHING;
    let before: Cost | undefined;
    let parts: RegexNode[] = [];
    const options: RegexNode[] = [];
    for (;;) {
      const char = this.#pattern[this.#at];
      if (char === undefined || char === ')') break;
      if (char === '|') {
        this.#at++;
        source += '|';
        flexible = true;
        atoms = 0;
        before = before ? either(before, cost) : cost;
        cost = NOTHING;
        options.push({ kind: 'sequence', parts });
        parts = [];
        continue;
      }
      const part = this.#quantified(this.#atom(fold));
      if (++atoms > 1 || part.source.startsWith('(')) this.#simple = false;
      source += part.source;
      flexible ||= part.flexible;
      cost = inSequence(cost, part.cost);
      parts.push(part.node);
    }
    this.#depth--;
    options.push({ kind: 'sequence', parts });
    return { source, flexible, cost: before ? either(before, cost) : cost, node: { kind: 'choice', parts: options } };
  }

  #atom(fold: boolean): Part {
    const plain = (source: string): Part => ({
      source,
      flexible: false,
      cost: CHARACTER,
      node: { kind: source.startsWith('(') ? 'test' : 'character', source },
    });
    for (const open of GROUPS) {
      if (this.#take(open)) return this.#group(open, fold);
    }
    if (this.#take('(?i:')) return this.#group('(?:', true);
    if (this.#take('(?')) return this.#refuse('a group of an unknown kind');
    const char = this.#next();
    if (char === '(') return this.#group('(?:', fold);
    if (char === '[') return plain(this.#characterClass(fold));
    if (char === '.') return plain('[^\\n]');
    if (char === '^') return plain('(?<![^\\n])');
    if (char === '$') return plain('(?![^\\n])');
    if (char === '\\') return plain(this.#escape(fold));
    if ('*+?{'.includes(char)) return this.#refuse('a quantifier without anything to repeat');
    return plain(literal(char, fold));
  }

  #group(open: string, fold: boolean): Part {
    const inner = this.#alternatives(fold);
    if (!this.#take(')')) this.#refuse('an unclosed group');
    const source = `${open}${inner.source})`;
    const { flexible, cost, node } = inner;
    if (open === '(?:') return { source, flexible, cost, node };
    const near: RegexNode = { kind: 'test', source };
    return { source, flexible, cost: lookAround(cost), node: readsFar(node) ? { kind: 'other' } : near };
  }

  #quantified(atom: Part): Part {
    const match = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/.exec(this.#pattern.slice(this.#at, this.#at + 30));
    if (!match) return atom;
    const [quantifier, least, comma, most] = match;
    if (Number(least ?? 0) > MAX_REPEAT || Number(most ?? 0) > MAX_REPEAT) this.#refuse(`a repeat above ${MAX_REPEAT}`);
    if (atom.flexible && quantifier !== '?') {
      this.#refuse('a repeat of something that itself repeats or chooses, which can take exponential time');
    }
    this.#at += quantifier.length;
    const lowest = least === undefined ? (quantifier === '+' ? 1 : 0) : Number(least);
    const highest = quantifier === '?' ? 1 : least !== undefined && (!comma || most) ? Number(most || least) : Infinity;
    const node = { kind: 'repeat', part: atom.node, least: lowest, most: highest } as const;
    const part = { flexible: true, cost: repeated(atom.cost, lowest, highest) };
    if (this.#take('?')) return { ...part, source: `${atom.source}${quantifier}?`, node: { ...node, how: 'lazy' } };
    if (!this.#take('+')) return { ...part, source: `${atom.source}${quantifier}`, node: { ...node, how: 'greedy' } };
    const name = `atomic${this.#atomics++}`;
    const source = `(?:(?=(?<${name}>${atom.source}${quantifier}))\\k<${name}>)`;
    return { ...part, cost: atomic(part.cost), source, node: { ...node, how: 'possessive' } };
  }

  /** After a backslash, outside a class. */
  #escape(fold: boolean): string {
    const char = this.#pattern[this.#at] ?? this.#refuse('an unfinished escape');
    const set = SET_ESCAPES[char]?.[0] ?? ANCHORS[char];
    if (set === undefined) return this.#property() ?? literal(this.#escapedChar(), fold);
    this.#at++;
    return set;
  }

  /** `p{...}` or `P{...}` after a backslash, or undefined if something else stands there. */
  #property(): string | undefined {
    const match = /^([pP])(?:\{(\^?)([A-Za-z0-9_ =]+)\}|([A-Z]))/.exec(this.#pattern.slice(this.#at, this.#at + 80));
    if (!match) return undefined;
    const met = this.#properties.get(match[0]);
    if (met !== undefined) {
      this.#at += match[0].length;
      return met;
    }
    const name = match[3] ?? match[4]!;
    const letter = (match[1] === 'P') === (match[2] === '^') ? 'p' : 'P';
    for (const spelling of [name, `Script=${name}`]) {
      const source = `\\${letter}{${spelling}}`;
      try {
        new RegExp(source, 'v');
      } catch (error) {
        if (error instanceof SyntaxError) continue;
        throw error;
      }
      this.#properties.set(match[0], source);
      this.#at += match[0].length;
      return source;
    }
    return this.#refuse(`the unknown property ${name}`);
  }

  /** A character written as an escape, after the backslash. */
  #escapedChar(): string {
    const code = /^(?:x\{([0-9a-fA-F]{1,6})\}|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\})/.exec(
      this.#pattern.slice(this.#at, this.#at + 12),
    );
    if (code) {
      const value = Number.parseInt(code[1] ?? code[2] ?? code[3] ?? code[4]!, 16);
      if (value > 0x10ffff) this.#refuse('a character beyond U+10FFFF');
      this.#at += code[0].length;
      return String.fromCodePoint(value);
    }
    const char = this.#next();
    const control = CONTROL_ESCAPES[char];
    if (control === undefined && /[A-Za-z0-9]/.test(char)) this.#refuse(`the escape \\${char}`);
    return control ?? char;
  }

  /** After the opening bracket: ranges, sets and classes, whose union `&&` may intersect with another one. */
  #characterClass(fold: boolean): string {
    if (++this.#depth > MAX_DEPTH) this.#refuse(`more than ${MAX_DEPTH} nested classes`);
    const open = this.#take('^') ? '[^' : '[';
    // What a class names again the engine would add up again.
    const operands = [new Set<string>()];
    for (let first = true; !(this.#take(']') && !first); first = false) {
      if (this.#take('[:')) this.#refuse('a POSIX class');
      if (this.#take('&&')) operands.push(new Set());
      else {
        const part = this.#take('[') ? this.#characterClass(fold) : (this.#classSet() ?? this.#classRange(fold));
        operands.at(-1)!.add(part);
      }
    }
    this.#depth--;
    const sources = operands.map(parts => [...parts].join(''));
    if (sources.length === 1) return `${open}${sources[0]}]`;
    return `${open}${sources.map(source => `[${source}]`).join('&&')}]`;
  }

  #classRange(fold: boolean): string {
    const low = this.#classChar();
    if (this.#pattern[this.#at] !== '-' || this.#pattern[this.#at + 1] === ']') return classLiterals(low, low, fold);
    this.#at++;
    const high = this.#classChar();
    if (low.codePointAt(0)! > high.codePointAt(0)!) this.#refuse('a class range that runs backwards');
    return classLiterals(low, high, fold);
  }

  #classSet(): string | undefined {
    if (this.#pattern[this.#at] !== '\\') return undefined;
    const char = this.#pattern[this.#at + 1] ?? '';
    const set = SET_ESCAPES[char];
    if (set) {
      this.#at += 2;
      return set[1] ?? this.#refuse(`\\${char} inside a class`);
    }
    this.#at++;
    const property = this.#property();
    if (property === undefined) this.#at--;
    return property;
  }

  #classChar(): string {
    return this.#take('\\') ? this.#escapedChar() : this.#next();
  }
}

/** The characters that a letter equals regardless of case, itself included. */
function casesOf(char: string): string[] {
  const cases = new Set([char, char.toLowerCase(), char.toUpperCase()].filter(form => [...form].length === 1));
  if (cases.has('s')) cases.add('\u017f');
  if (cases.has('k')) cases.add('\u212a');
  return [...cases];
}

const codeEscape = (char: string) => `\\u{${char.codePointAt(0)!.toString(16)}}`;

function literal(char: string, fold: boolean): string {
  const cases = fold ? casesOf(char) : [char];
  return cases.length === 1 ? codeEscape(char) : `[${cases.map(codeEscape).join('')}]`;
}

/** The range of characters, and with `fold` its ASCII letters in the other case. */
function classLiterals(low: string, high: string, fold: boolean): string {
  if (low === high) return (fold ? casesOf(low) : [low]).map(codeEscape).join('');
  let source = `${codeEscape(low)}-${codeEscape(high)}`;
  if (!fold) return source;
  for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
    const cases = casesOf(letter);
    if (cases.some(form => form >= low && form <= high)) source += cases.map(codeEscape).join('');
  }
  return source;
}

/** Whether a part may look at any number of characters. */
function readsFar(node: RegexNode): boolean {
  if (node.kind === 'repeat') return node.most > MAX_REPEAT || readsFar(node.part);
  return node.kind === 'other' || ('parts' in node && node.parts.some(readsFar));
}

/** A pattern that can be run on texts from anywhere. */
export interface SafePattern {
  /** What the engine runs on texts of up to `near` code units. */
  readonly regex: RegExp;
  readonly near: number;
  /** What longer ones are matched with, if there is a linear way. */
  readonly program: RegexProgram | undefined;
  /** Code units of the longest text that it may be run on. */
  readonly longest: number;
}

/** On texts up to this length also quadratic time is short. */
const NEAR = 4096;

/** A pattern of a tokenizer file for JavaScript. Throws UnsupportedError for what is outside the safe subset. */
export function translateRegex(pattern: string): SafePattern {
  if (pattern.length > MAX_PATTERN) {
    throw new UnsupportedError('a split or replace pattern is too long', {
      seen: `${pattern.length} characters`,
      expected: `at most ${MAX_PATTERN}`,
    });
  }
  const { source, longest, node } = new Translator(pattern).translate();
  try {
    const regex = new RegExp(source, 'gv');
    const program = longest === Number.POSITIVE_INFINITY ? undefined : RegexProgram.of(node);
    if (!program) return { regex, near: longest, program, longest };
    return { regex, near: Math.min(NEAR, longest), program, longest: program.longest };
  } catch (cause) {
    throw new UnsupportedError('a split or replace pattern cannot be run', {
      seen: JSON.stringify(pattern.slice(0, 120)),
      cause,
    });
  }
}

/** The non-empty matches of a pattern in `text`, in order. Throws TokenizerError for a text that is too long for the pattern. */
export function* matchesOf(
  { regex, near, program, longest }: SafePattern,
  text: string,
): Generator<[start: number, end: number]> {
  if (text.length > longest) {
    throw new TokenizerError('a text is too long for a pattern without a scanner of its own', {
      seen: `${text.length} code units`,
      expected: `at most ${longest}`,
      fix: 'encode the text in parts',
    });
  }
  if (text.length > near && program) {
    yield* program.matches(text);
    return;
  }
  for (const match of text.matchAll(regex)) {
    if (match[0].length > 0) yield [match.index, match.index + match[0].length];
  }
}
