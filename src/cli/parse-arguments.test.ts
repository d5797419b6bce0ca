import { describe, expect, it } from 'vitest';
import { defineCommand, UsageError } from './command.ts';
import { parseArguments } from './parse-arguments.ts';

const command = defineCommand({
  name: 'try',
  summary: 'a command to try things on.',
  positionals: [
    { name: 'MODEL', help: 'a folder' },
    { name: '[TEXT]', help: 'a text' },
  ],
  options: {
    count: { kind: 'integer', short: 'n', value: 'N', min: 1, help: '' },
    temperature: { kind: 'number', value: 'X', help: '' },
    stop: { kind: 'list', value: 'TEXT', help: '' },
    beside: { kind: 'list', many: true, value: 'A B ...', help: '' },
    ids: { kind: 'ids', value: 'IDS', help: '' },
    lang: { kind: 'text', value: 'LANG', choices: ['en', 'de'], help: '' },
    probs: { kind: 'integer', value: 'K', alone: 5, help: '' },
    json: { kind: 'flag', short: 'j', help: '' },
  },
  examples: [],
  async run() {},
});
const parse = (...argv: string[]) => parseArguments(command, argv);
const valuesOf = (...argv: string[]) => parse('m', ...argv).values;
function problem(...argv: string[]): string {
  try {
    parse(...argv);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).command).toBe('try');
    return (error as Error).message;
  }
  throw new Error(`${argv.join(' ')} was accepted`);
}

describe('a list of many', () => {
  it('takes all arguments up to the next option', () => {
    const taken = (...argv: string[]) => {
      const { values, positionals } = parse(...argv);
      return [values.beside, positionals];
    };
    expect(taken('m', '--beside', 'a', 'b', 'c')).toEqual([['a', 'b', 'c'], ['m']]);
    expect(taken('--beside', 'a', 'b', '-j', 'm')).toEqual([['a', 'b'], ['m']]);
    expect(taken('--beside=a', 'b', '--', 'm')).toEqual([['a', 'b'], ['m']]);
    expect(taken('m', '--beside', 'a', '--stop', 'x', 't', '--beside', 'b')).toEqual([
      ['a', 'b'],
      ['m', 't'],
    ]);
    expect(problem('m', '--beside')).toContain('--beside needs a value');
  });
});

describe('values', () => {
  it('are undefined, false or empty when not given', () => {
    expect(valuesOf()).toEqual({
      count: undefined,
      temperature: undefined,
      stop: [],
      beside: [],
      ids: undefined,
      lang: undefined,
      probs: undefined,
      json: false,
    });
  });
  it('are read by their kind, long and short, joined or not', () => {
    expect(valuesOf('--count', '3', '--temperature=0.5', '--stop', 'a', '--stop=b', '--json')).toMatchObject({
      count: 3,
      temperature: 0.5,
      stop: ['a', 'b'],
      json: true,
    });
    expect(valuesOf('-n', '7', '-j')).toMatchObject({ count: 7, json: true });
    expect(valuesOf('-n7').count).toBe(7);
    expect(valuesOf('--ids', '1,2, 3').ids).toEqual([1, 2, 3]);
  });
  it('may be negative numbers', () => {
    expect(valuesOf('--temperature', '-0.5').temperature).toBe(-0.5);
    expect(valuesOf('--temperature', '-.5').temperature).toBe(-0.5);
  });
  it('take the last one given', () => {
    expect(valuesOf('--count', '1', '--count', '2').count).toBe(2);
  });
  it('of an option that may stand alone come from the next argument only if that is a number', () => {
    expect(valuesOf('--probs').probs).toBe(5);
    expect(valuesOf('--probs', '3').probs).toBe(3);
    expect(valuesOf('--probs=2').probs).toBe(2);
    expect(valuesOf('--probs', '--json')).toMatchObject({ probs: 5, json: true });
    expect(parse('--probs', 'm', 'text')).toMatchObject({ positionals: ['m', 'text'], values: { probs: 5 } });
  });
});

describe('arguments', () => {
  it('are kept in order; - and everything behind -- are arguments', () => {
    expect(parse('--json', 'm', '-').positionals).toEqual(['m', '-']);
    expect(parse('m', '--', '--probs').positionals).toEqual(['m', '--probs']);
    expect(parse('m', '').positionals).toEqual(['m', '']);
  });
  it('ask for help whatever else is wrong', () => {
    expect(parse('--help').help).toBe(true);
    expect(parse('-h', '--count', 'x', 'a', 'b', 'c').help).toBe(true);
    expect(parse('m').help).toBe(false);
  });
});

describe('errors', () => {
  it('suggest the option that was meant', () => {
    expect(problem('m', '--temprature', '1')).toBe('unknown option --temprature; did you mean --temperature?');
    expect(problem('m', '--xyzzy')).toBe('unknown option --xyzzy');
    expect(problem('m', '-x')).toBe('unknown option -x');
    expect(problem('m', '--constructor')).toBe('unknown option --constructor');
  });
  it('say what a value must be', () => {
    expect(problem('m', '-n', 'many')).toBe('--count is "many", but must be a whole number from 1 on');
    expect(problem('m', '-n', '0')).toContain('from 1 on');
    expect(problem('m', '-n', '1.5')).toContain('a whole number');
    expect(problem('m', '--temperature=')).toBe('--temperature is "", but must be a number');
    expect(problem('m', '--temperature', 'Infinity')).toContain('a number');
    expect(problem('m', '--lang', 'fr')).toBe('--lang is "fr", but must be en or de');
    expect(problem('m', '--ids', '1,x')).toContain('token ids such as');
    expect(problem('m', '--ids', '1,-2')).toContain('token ids such as');
  });
  it('say when a value is missing or one too many', () => {
    expect(problem('m', '--count')).toBe('--count needs a value');
    expect(problem('m', '--stop', '--json')).toBe('--stop needs a value; write --stop=--json if that is it');
    expect(valuesOf('--stop=--json').stop).toEqual(['--json']);
    expect(problem('m', '--json=yes')).toBe('--json takes no value');
  });
  it('say which argument is missing, or which is too much', () => {
    expect(problem()).toBe('MODEL is missing: a folder');
    expect(problem('m', 'The', 'cat')).toContain('one argument too many: "cat"');
  });
});
