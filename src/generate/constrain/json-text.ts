/** The parts that JSON texts (RFC 8259) are made of. Each value has one spelling, so that what is excluded cannot come in another. */
import { ANY_CHARACTER, type CodePoints, complement, intersection, rangesOf } from './code-points.ts';
import { character, choice, type Expression, exactly, NOTHING, optional, repeat, rule, sequence } from './language.ts';

/** Where spaces may stand: nowhere; at most one behind a comma and a colon; anywhere between tokens, line ends too. */
export type Whitespace = 'compact' | 'spaced' | 'free';

/** What stands between the values. */
export interface Layout {
  readonly comma: Expression;
  readonly colon: Expression;
  /** Behind an opening bracket and before a closing one. */
  readonly inside: Expression;
}

/** More than this between two tokens would be no layout. */
const LONGEST_GAP = 64;

export function layoutOf(whitespace: Whitespace): Layout {
  if (whitespace === 'compact') return { comma: exactly(','), colon: exactly(':'), inside: NOTHING };
  if (whitespace === 'spaced') {
    const space = optional(exactly(' '));
    return { comma: sequence(exactly(','), space), colon: sequence(exactly(':'), space), inside: NOTHING };
  }
  const gap = repeat(character(' \t\n'), 0, LONGEST_GAP);
  const around = (sign: string) => sequence(gap, exactly(sign), gap);
  return { comma: around(','), colon: around(':'), inside: gap };
}

/** Characters that a JSON string holds as they are. */
const PLAIN = complement(
  rangesOf([
    [0, 0x1f],
    [0x22, 0x22],
    [0x5c, 0x5c],
  ]),
);

/** A character of a set as it is written within a string. */
export function stringCharacter(set: CodePoints): Expression {
  const ways: Expression[] = [character(intersection(set, PLAIN))];
  const escaped = intersection(set, complement(PLAIN));
  for (let i = 0; i < escaped.length; i += 2)
    for (let point = escaped[i]!; point <= escaped[i + 1]!; point++)
      ways.push(exactly(JSON.stringify(String.fromCodePoint(point)).slice(1, -1)));
  return choice(...ways);
}

export const anyStringCharacter: Expression = stringCharacter(ANY_CHARACTER);
export const quoted = (body: Expression): Expression => sequence(exactly('"'), body, exactly('"'));

/** A value as a text; gaps as in the layout. */
export function literal(value: unknown, layout: Layout): Expression {
  if (Array.isArray(value))
    return listed(
      '[',
      value.map(item => literal(item, layout)),
      ']',
      layout,
    );
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([name, member]) =>
      sequence(exactly(JSON.stringify(name)), layout.colon, literal(member, layout)),
    );
    return listed('{', members, '}', layout);
  }
  return exactly(JSON.stringify(value));
}

function listed(open: string, items: readonly Expression[], close: string, { comma, inside }: Layout): Expression {
  const separated = items.flatMap((item, i) => (i === 0 ? [item] : [comma, item]));
  return sequence(exactly(open), inside, ...separated, ...(items.length > 0 ? [inside] : []), exactly(close));
}

const DIGIT = character('0123456789');
const WHOLE = sequence(
  optional(exactly('-')),
  choice(exactly('0'), sequence(character('123456789'), repeat(DIGIT, 0, 14))),
);

/** Integers that every reader takes: up to 15 digits. */
export const anyInteger: Expression = WHOLE;
/** Numbers within the range and, nearly, the precision of a double. */
export const anyNumber: Expression = sequence(
  WHOLE,
  optional(sequence(exactly('.'), repeat(DIGIT, 1, 15))),
  optional(sequence(character('eE'), optional(character('+-')), repeat(DIGIT, 1, 2))),
);

/** Name of the rule for any value. */
export const ANY_VALUE = 'any value';

/** The rules of arbitrary values. */
export function anyValueRules(layout: Layout): [string, Expression][] {
  const { comma, colon, inside } = layout;
  const value = rule(ANY_VALUE);
  const string = quoted(repeat(anyStringCharacter, 0));
  const member = sequence(string, colon, value);
  const some = (item: Expression) => optional(sequence(item, repeat(sequence(comma, item), 0), inside));
  const body = choice(
    ...['null', 'true', 'false'].map(exactly),
    anyNumber,
    string,
    sequence(exactly('['), inside, some(value), exactly(']')),
    sequence(exactly('{'), inside, some(member), exactly('}')),
  );
  return [[ANY_VALUE, body]];
}
