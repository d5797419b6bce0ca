/**
 * Constraints by a context-free grammar, in the notation of llama.cpp (GBNF, `root ::= "a" [0-9]+`) or in a subset of Lark's
 * (`start: "a" /[0-9]+/`). Rules may be recursive, but none may begin with itself.
 */
import { ConfigError } from '../../errors.ts';
import { show } from '../options.ts';
import { ANY_CHARACTER } from './code-points.ts';
import type { Constraint } from './constraint.ts';
import { character, choice, type Expression, exactly, NOTHING, optional, repeat, rule, sequence } from './language.ts';
import { parseRegex } from './regex-syntax.ts';
import { StateMachine } from './states.ts';

const LONGEST = 200_000;
const DEEPEST = 100;
/** In quotes. What has no meaning of its own behind a backslash is itself. */
const ESCAPE = /\\(?:(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|(.))/gu;
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

/**
 * Texts of the rule `root` (GBNF) or `start` (Lark). In both: `"text"`, `( )`, `|`, `*`, `+`, `?`, `{2,5}`, comments behind `#` or
 * `//`. In GBNF `[a-z]` is a class of characters and `.` any; in Lark `[x]` is an optional part, `/.../` a regular expression,
 * `x ~ 2..5` a count. Whitespace is what the grammar says: `%ignore` and `%import` are refused.
 * @throws ConfigError for what is no grammar, with the line
 */
export function grammar(text: string, options: { readonly start?: string | undefined } = {}): Constraint {
  if (typeof text !== 'string' || text.length > LONGEST)
    throw new ConfigError('not a grammar', { seen: show(text), expected: `a text of at most ${LONGEST} characters` });
  const rules = new GrammarParser(text).parse();
  const start = options.start ?? ['root', 'start'].find(name => rules.has(name));
  if (start === undefined || !rules.has(start))
    throw new ConfigError('the grammar has no rule to start with', {
      seen: [...rules.keys()].slice(0, 20).join(', '),
      expected: options.start ?? 'root or start',
    });
  const language = { root: rule(start), rules };
  // Made once now, and not only when a model is at hand, because it checks the rules.
  if (!new StateMachine(language).start)
    throw new ConfigError('no text follows the grammar', { seen: `${start} never ends`, where: 'constraint' });
  return { language };
}

class GrammarParser {
  readonly #text: string;
  readonly #gbnf: boolean;
  #at = 0;
  #line = 1;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#gbnf = /^[ \t]*[\w-]+\s*::=/m.test(text);
  }

  parse(): Map<string, Expression> {
    const rules = new Map<string, Expression>();
    for (;;) {
      this.#skip();
      if (this.#at >= this.#text.length) return rules;
      const head = this.#take(this.#headPattern());
      if (!head) this.#refuse('no rule', this.#gbnf ? 'name ::= ...' : 'name: ...');
      const name = head![1]!;
      if (rules.has(name)) this.#refuse(`a second rule ${name}`);
      rules.set(name, this.#alternatives());
      this.#skip();
      this.#take(/;/y);
    }
  }

  #headPattern(): RegExp {
    return this.#gbnf ? /([\w-]+)\s*::=/y : /[?!]?([A-Za-z_]\w*)(?:\.-?\d+)?\s*(?::|=)/y;
  }

  #alternatives(): Expression {
    if (++this.#depth > DEEPEST) this.#refuse(`more than ${DEEPEST} brackets within each other`);
    this.#skip();
    this.#take(/\|/y);
    const ways = [this.#terms()];
    for (this.#skip(); this.#take(/\|/y); this.#skip()) ways.push(this.#terms());
    this.#depth--;
    return choice(...ways);
  }

  #terms(): Expression {
    const parts: Expression[] = [];
    for (;;) {
      this.#skip();
      if (this.#at >= this.#text.length || '|);'.includes(this.#text[this.#at]!) || this.#isAt(this.#headPattern()))
        break;
      if (!this.#gbnf && (this.#text[this.#at] === ']' || this.#take(/->\s*\w+/y))) {
        if (this.#text[this.#at] === ']') break;
        continue;
      }
      parts.push(this.#quantified());
    }
    return parts.length === 0 ? NOTHING : sequence(...parts);
  }

  #quantified(): Expression {
    let expression = this.#atom();
    for (;;) {
      this.#skipSpaces();
      const sign = this.#take(/[*+?]/y)?.[0];
      if (sign) {
        expression = repeat(expression, sign === '+' ? 1 : 0, sign === '?' ? 1 : Number.POSITIVE_INFINITY);
        continue;
      }
      const counts =
        this.#take(/\{\s*(\d{1,6})\s*(,\s*(\d{1,6})?\s*)?\}/y) ?? this.#take(/~\s*(\d{1,6})(\s*\.\.\s*(\d{1,6}))?/y);
      if (!counts) return expression;
      const least = Number(counts[1]);
      const most = counts[3] !== undefined ? Number(counts[3]) : counts[2] ? Number.POSITIVE_INFINITY : least;
      if (most < least) this.#refuse('a count from high to low');
      expression = repeat(expression, least, most);
    }
  }

  #atom(): Expression {
    const quoted = this.#take(/"((?:[^"\\\n]|\\.)*)"(i?)/y);
    if (quoted) return this.#literal(quoted[1]!, quoted[2] === 'i');
    if (this.#take(/\(/y)) return this.#closed(/\)/y, ')');
    if (this.#gbnf) {
      const set = this.#take(/\[(?:[^\]\\]|\\.)*\]/y);
      if (set) return parseRegex(set[0], { anchored: true, isPart: true, where: this.#where() });
      if (this.#take(/\./y)) return character(ANY_CHARACTER);
    } else {
      if (this.#take(/\[/y)) return optional(this.#closed(/\]/y, ']'));
      const pattern = this.#take(/\/((?:[^/\\\n]|\\.)+)\/([a-z]*)/y);
      if (pattern) {
        const read = this.#regExp(pattern[1]!, pattern[2]!);
        return parseRegex(read, { anchored: true, isPart: true, where: this.#where() });
      }
    }
    const name = this.#take(this.#gbnf ? /[\w-]+/y : /[A-Za-z_]\w*/y)?.[0];
    if (name === undefined) this.#refuse(`${JSON.stringify(this.#text.slice(this.#at, this.#at + 12))}`);
    return rule(name!);
  }

  #closed(end: RegExp, sign: string): Expression {
    const inner = this.#alternatives();
    this.#skip();
    if (!this.#take(end)) this.#refuse('a bracket that is not closed', sign);
    return inner;
  }

  #literal(body: string, ignoresCase: boolean): Expression {
    const text = body.replace(ESCAPE, (seen, hex: string | undefined, char: string) => {
      if (hex === undefined) return Object.hasOwn(ESCAPED, char) ? ESCAPED[char]! : char;
      const point = Number.parseInt(hex.slice(1), 16);
      if (point > 0x10ffff) this.#refuse(seen, 'at most \\U0010FFFF');
      return String.fromCodePoint(point);
    });
    if (!ignoresCase) return exactly(text);
    const cases = (char: string) => [char.toLowerCase(), char.toUpperCase()].filter(other => [...other].length === 1);
    return sequence(...Array.from(text, char => character(char + cases(char).join(''))));
  }

  #regExp(source: string, flags: string): RegExp {
    try {
      return new RegExp(source, flags);
    } catch (cause) {
      throw new ConfigError('not a regular expression', { seen: `/${source}/${flags}`, where: this.#where(), cause });
    }
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) {
      this.#at += found[0].length;
      this.#line += found[0].split('\n').length - 1;
    }
    return found ?? undefined;
  }
  #isAt(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text);
  }
  #skip(): void {
    this.#take(/(?:\s|#[^\n]*|\/\/[^\n]*)*/y);
  }
  #skipSpaces(): void {
    this.#take(/[ \t]*/y);
  }
  #where(): string {
    return `line ${this.#line} of the grammar`;
  }
  #refuse(seen: string, expected?: string): never {
    throw new ConfigError('the grammar cannot be read', { seen, expected, where: this.#where() });
  }
}
