/**
 * From what a model wrote to the answer in it: the filters of lm-evaluation-harness, by the same names. Expressions of a file
 * run on texts of a model, so only those run that take time with the length of the text.
 */
import { ConfigError } from '../../errors.ts';
import { matchesOf, type SafePattern, translateRegex } from '../../tokenizers/regex-translate.ts';
import { nearest } from '../../util/nearest.ts';
import type { FilterConfig, FilterStep } from './task-config.ts';

/** What a filter makes of the answers to an item (as many as `repeats`). */
type Filter = (answers: readonly string[]) => readonly string[];
/** A chain of filters under a name; the first of what is left is the answer. */
export interface NamedFilter {
  readonly name: string;
  apply(answers: readonly string[]): string;
}

const FILTERS: Readonly<Record<string, (step: FilterStep, where: string) => Filter>> = {
  take_first: () => answers => answers.slice(0, 1),
  take_first_k:
    ({ k }) =>
    answers =>
      answers.slice(0, Number(k ?? 1)),
  majority_vote: () => answers => [mostCommon(answers)],
  lowercase: () => each(text => text.toLowerCase()),
  uppercase: () => each(text => text.toUpperCase()),
  remove_whitespace: () => each(text => text.trim()),
  strip: () => each(text => text.trim()),
  map: ({ mapping_dict = {}, default_value }) =>
    each(text => String((mapping_dict as Readonly<Record<string, unknown>>)[text] ?? default_value ?? text)),
  regex: regexFilter,
};

const each =
  (change: (text: string) => string): Filter =>
  answers =>
    answers.map(change);

/** The filters of a task; without any the first answer as it is, under the name `none`. @throws ConfigError */
export function createFilters(list: readonly FilterConfig[] | undefined, where: string): readonly NamedFilter[] {
  if (!list?.length) return [{ name: 'none', apply: answers => answers[0] ?? '' }];
  return list.map(({ name, filter }) => {
    const chain = filter.map(step => {
      const make = FILTERS[step.function];
      if (make) return make(step, where);
      const guess = nearest(step.function, Object.keys(FILTERS));
      throw new ConfigError('no such filter', {
        seen: step.function,
        expected: Object.keys(FILTERS).join(', '),
        fix: guess ? `did you mean ${guess}?` : undefined,
        where,
      });
    });
    return {
      name,
      apply: answers => chain.reduce<readonly string[]>((left, step) => step(left), answers)[0] ?? '',
    };
  });
}

/** What is written most often; of several the first. */
function mostCommon(answers: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return [...counts].reduce(([best, most], [text, count]) => (count > most ? [text, count] : [best, most]), ['', 0])[0];
}

/** The match with the number `group_select` (negative counts from the end): its first group that is not empty, or all of it. */
function regexFilter(
  { regex_pattern = '#### (\\-?[0-9\\.\\,]+)', group_select = 0, fallback = '[invalid]' }: FilterStep,
  where: string,
): Filter {
  const groupsOf = createMatcher(String(regex_pattern), where);
  return each(text => {
    const match = groupsOf(text).at(Number(group_select));
    if (!match) return String(fallback);
    const [whole = '', ...groups] = match;
    if (groups.length === 0) return whole.trim();
    const found = groups.find(group => group);
    return found === undefined && groups.length > 1 ? String(fallback) : (found ?? '').trim();
  });
}

/** Takes all matches of an expression out of a text. @throws ConfigError as `createFilters` does */
export function createRemover(pattern: string, where: string): (text: string) => string {
  const safe = safePattern(pattern, where);
  return text => {
    let [rest, at] = ['', 0];
    for (const [start, end] of matchesOf(safe, text)) {
      rest += text.slice(at, start);
      at = end;
    }
    return rest + text.slice(at);
  };
}

/** An expression in Python's words, for the tokenizers' matcher, which takes time with the length of a text. */
function safePattern(pattern: string, where: string): SafePattern {
  try {
    return translateRegex(
      withDotAll(pattern)
        .replace(/\(\?P?<[\p{L}_][\p{L}\d_]*>/gu, '(')
        .replaceAll('\\Z', '\\z'),
    );
  } catch (cause) {
    throw new ConfigError('an expression of a task cannot be used', {
      seen: pattern,
      expected: 'classes, groups, alternatives and repetitions that are not nested',
      where,
      cause,
    });
  }
}

/** `(?s)` at the beginning: the dot stands for line ends too. */
function withDotAll(pattern: string): string {
  if (!pattern.startsWith('(?s)')) return pattern;
  return pattern.slice(4).replace(/\\.|\[(?:\\.|[^\]\\])*\]|\./g, part => (part === '.' ? '[\\s\\S]' : part));
}

/** Steps that finding the groups within a match may take. */
const MOST_STEPS = 1e9;

/**
 * All matches with their groups. Where they are is found by the tokenizers' matcher, in linear time; what the groups of one
 * are by the engine's, which may take the match's length to the power of the repetitions.
 */
function createMatcher(pattern: string, where: string): (text: string) => (string | undefined)[][] {
  const safe = safePattern(pattern, where);
  const own = withDotAll(pattern)
    .replace(/^\(\?i\)/, '')
    .replaceAll('(?P<', '(?<')
    .replaceAll('\\Z', '(?![^])')
    .replaceAll('\\A', '(?<![^])');
  const repetitions = own.match(/(?<!\\)[*+]|\{\d+,\d*\}/g)?.length ?? 0;
  const groups = new RegExp(own, pattern.startsWith('(?i)') ? 'iy' : 'y');
  return text =>
    [...matchesOf(safe, text)].map(([start, end]) => {
      if ((end - start) ** repetitions > MOST_STEPS)
        throw new ConfigError('an expression of a task may take too long', {
          seen: `${repetitions} repetitions in a match of ${end - start} characters`,
          fix: 'write an expression with fewer repetitions',
          where,
        });
      groups.lastIndex = start;
      return [...(groups.exec(text.slice(0, end)) ?? [text.slice(start, end)])];
    });
}
