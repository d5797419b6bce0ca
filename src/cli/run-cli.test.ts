import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type FakeTerminal, fakeTerminal } from '../../test/cli/fake-terminal.ts';
import { FormatError, type HeedError } from '../errors.ts';
import { type GenerateOptions, resolveOptions } from '../generate/index.ts';
import { loadTokenizer } from '../tokenizers/index.ts';
import { UsageError } from './command.ts';
import { COMMANDS, commandNamed } from './commands/index.ts';
import { widthOf } from './layout.ts';
import { parseArguments } from './parse-arguments.ts';
import { textOrIds } from './read-text.ts';
import { reportError } from './report-error.ts';
import { runCli } from './run-cli.ts';

const heed = (...argv: string[]) => heedOn(fakeTerminal(), ...argv);
async function heedOn(terminal: FakeTerminal, ...argv: string[]) {
  const code = await runCli(argv, terminal, new AbortController().signal);
  return { code, out: terminal.out(), err: terminal.err() };
}

describe('help', () => {
  it('is shown for no arguments, --help and help', async () => {
    const page = await heed();
    expect(page.code).toBe(0);
    for (const { name, summary } of COMMANDS) expect(page.out).toMatch(new RegExp(`^  ${name} +${summary}$`, 'm'));
    expect(await heed('--help')).toEqual(page);
    expect(await heed('help')).toEqual(page);
  });
  it.each(COMMANDS.map(entry => [entry.name, entry] as const))(
    'of %s lists its options and examples',
    async (name, entry) => {
      const command = await entry.load();
      expect(command.name).toBe(name);
      const page = await heed('help', name);
      expect(page).toEqual(await heed(name, '--help'));
      for (const option of Object.keys(command.options)) expect(page.out).toContain(`--${option}`);
      expect(command.examples.length).toBeGreaterThan(1);
      for (const line of page.out.split('\n')) expect(widthOf(line), line).toBeLessThanOrEqual(80);
    },
  );
  it.each(COMMANDS.map(entry => [entry.name, entry] as const))('examples of %s are right', async (_, entry) => {
    const command = await entry.load();
    for (const { line } of command.examples) {
      const words = [
        ...line
          .replace(/^.*?heed /, '')
          .replace(/ [|<>] .*$/, '')
          .matchAll(/"([^"]*)"|(\S+)/g),
      ].map(m => m[1] ?? m[2]!);
      expect(words.shift(), line).toBe(command.name);
      expect(() => parseArguments(command, words), line).not.toThrow();
    }
  });
  it('separates its parts by one empty line, also where there are no arguments', async () => {
    for (const { name } of COMMANDS) expect((await heed('help', name)).out).not.toContain('\n\n\n');
  });
  it('explains itself, and takes one name', async () => {
    const page = await heed('help', 'help');
    expect(page.code).toBe(0);
    expect(page.out).toMatch(/^ {2}heed help \[COMMAND\]$/m);
    expect((await heed('help', 'run', 'trace')).code).toBe(2);
    expect((await heed('hepl')).err).toContain('did you mean heed help?');
  });
  it.each(['run', 'trace', 'tokenize'])('of %s says what becomes of the end of piped input', async name => {
    expect((await heed('help', name)).out.replace(/\s+/g, ' ')).toContain('without the line end it closes with');
  });
  it('shows the version', async () => {
    expect((await heed('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('the start', () => {
  it('loads nothing but the command line: models and kernels come with the command that needs them', () => {
    const seen = new Set<string>();
    const follow = (url: URL) => {
      if (seen.has(url.href)) return;
      seen.add(url.href);
      const source = readFileSync(url, 'utf8');
      for (const [, path] of source.matchAll(/^(?:import|export) (?!type )[^;]*?from '(\.[^']+)';/gm))
        follow(new URL(path!, url));
    };
    follow(new URL('main.ts', import.meta.url));
    const root = new URL('..', import.meta.url).href;
    const paths = [...seen].map(href => href.slice(root.length));
    expect(paths).toContain('cli/help.ts');
    expect(paths.filter(path => !path.startsWith('cli/') || path.startsWith('cli/commands/'))).toEqual([
      'cli/commands/index.ts',
      'util/nearest.ts',
      'errors.ts',
    ]);
  });
});

describe('wrong usage', () => {
  it('ends with 2 and says what was meant', async () => {
    expect(await heed('rnu')).toEqual({
      code: 2,
      out: '',
      err: 'heed: unknown command rnu; did you mean heed run?\n  heed --help shows what there is\n',
    });
    const option = await heed('run', 'model', 'text', '--tempreature', '1');
    expect(option.code).toBe(2);
    expect(option.err).toContain('did you mean --temperature?');
    expect(option.err).toContain('heed help run');
    expect((await heed('help', 'nothing')).code).toBe(2);
    expect((await heed('--nothing')).err).toContain('unknown option --nothing');
  });
  it('finds contradictions before the model is loaded', async () => {
    expect((await heed('run', 'nowhere', 'x', '--greedy', '-t', '1')).code).toBe(2);
    expect((await heed('run', 'nowhere', 'x', '--show-probs', '--beams', '2')).code).toBe(2);
  });
  it('refuses a text beside ids, as one of them would be passed over', async () => {
    for (const [name, option] of [
      ['run', '--ids'],
      ['trace', '--ids'],
      ['tokenize', '--decode'],
    ] as const) {
      const { code, err } = await heed(name, 'nowhere', 'IGNORED', option, '1,2');
      expect([name, code]).toEqual([name, 2]);
      expect(err).toContain(`${option} takes the place of a text: leave "IGNORED" out`);
    }
  });
  it('says how to give a text when there is none and nothing is piped in', async () => {
    for (const [name, what, option] of [
      ['run', 'a prompt', '--ids'],
      ['trace', 'a text', '--ids'],
      ['tokenize', 'a text', '--decode'],
    ] as const) {
      const { code, err } = await heed(name, 'nowhere');
      expect([name, code]).toEqual([name, 2]);
      expect(err.replace(/\s+/g, ' ')).toContain(
        `${what} is missing: give it in quotes, pipe it in, write - to type it here, or give ids with ${option}`,
      );
    }
  });
  it.each([
    [['--count', '--ids', 'x'], '--count and --ids contradict each other'],
    [['--count', '--decode', '1'], '--count and --decode contradict each other'],
    [['--ids', '--decode', '1'], '--ids and --decode contradict each other'],
    [['--no-special', '--decode', '1'], '--no-special is for a text, --decode takes ids'],
  ])('refuses tokenize %j', async (argv, message) => {
    const { code, err } = await heed('tokenize', 'nowhere', ...argv);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('a piped text', () => {
  it.each([
    ['a\n', 'a'],
    ['a\r\n', 'a'],
    ['a\n\n', 'a\n'],
    ['a', 'a'],
  ])('%j is %j', async (input, text) => {
    const call = { name: 'run', what: 'a prompt', signal: new AbortController().signal };
    const terminal = fakeTerminal({ input });
    expect(await textOrIds(undefined, undefined, { ...call, terminal })).toBe(text);
    expect(await textOrIds('-', undefined, { ...call, terminal })).toBe(text);
    expect(await textOrIds(undefined, [1, 2], { ...call, terminal })).toEqual([1, 2]);
  });
});

describe('tokenize', () => {
  const TOKENIZER = fileURLToPath(
    new URL('../../test/tokenizers/data/added-tokens-bpe/tokenizer.json', import.meta.url),
  );
  it('speaks the language that is asked for', async () => {
    const text = 'ab '.repeat(400);
    const last = ({ out }: { out: string }) => out.trimEnd().split('\n').at(-1);
    expect(last(await heed('tokenize', TOKENIZER, text))).toMatch(/^[\d,]+ tokens, 1,200 characters$/);
    expect(last(await heed('tokenize', TOKENIZER, text, '--lang', 'de'))).toMatch(/^[\d.]+ Tokens, 1\.200 Zeichen$/);
    const german = fakeTerminal({ env: { LANG: 'de_DE.UTF-8' } });
    expect(last(await heedOn(german, 'tokenize', TOKENIZER, 'a'))).toMatch(/, 1 Zeichen$/);
  });
  it('names an id that stands for no token, also among others', async () => {
    const { vocabSize } = await loadTokenizer(TOKENIZER);
    for (const ids of ['99999', '1,99999,2']) {
      const { code, out, err } = await heed('tokenize', TOKENIZER, '--decode', ids);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/^heed: not a token id of this tokenizer\n {2}seen: +99999\n/);
      expect(err).toContain(`vocabulary of ${vocabSize} tokens`);
    }
    const ids = (await heed('tokenize', TOKENIZER, 'Hund', '--ids', '--no-special')).out.trim().replaceAll(' ', ',');
    expect((await heed('tokenize', TOKENIZER, '--decode', ids)).out.trim()).toBe('Hund');
  });
});

describe('errors', () => {
  it('end with 1: what happened, then each fact on a line of its own', () => {
    const terminal = fakeTerminal();
    const error = new FormatError('the file ends early', {
      seen: '3 bytes',
      expected: '8',
      fix: 'fetch it again',
      where: 'a/b',
    });
    expect(reportError(error, terminal, { stack: false })).toBe(1);
    expect(terminal.err()).toBe(
      [
        'heed: the file ends early',
        '  seen:     3 bytes',
        '  expected: 8',
        '  to do:    fetch it again',
        '  where:    a/b',
        '',
      ].join('\n'),
    );
  });
  it('of generation name the options of the command', async () => {
    const command = await commandNamed('run');
    const told = (error: unknown, options = { stack: false, command }) => {
      const terminal = fakeTerminal({ columns: 400 });
      reportError(error, terminal, options);
      return terminal.err();
    };
    const refused = (options: GenerateOptions) => {
      try {
        resolveOptions(options);
      } catch (error) {
        return error as HeedError;
      }
      throw new Error('these options are right');
    };
    expect(told(refused({ topP: 3, temperature: -1 }))).toContain(
      'generation options: --top-p 3 is not a number from 0 to 1; --temperature -1 is not a finite number of at least 0',
    );
    expect(told(refused({ numBeams: 2, numReturnSequences: 3 }))).toContain(
      '--num-return-sequences 3 is above --beams 2\n',
    );
    expect(told(refused({ numReturnSequences: 2 }))).toContain('sample (--temperature > 0) or set --beams\n');
    const facts = { fix: "set maxNewTokens, or overflow: 'slide'", seen: 'topP: 1', where: 'seed/overflow' };
    const full = told(new FormatError('"temperature": 1 is full', facts));
    expect(full).toContain('to do:    set --max-new-tokens, or --overflow slide\n');
    // Words of a file are not the command's.
    for (const text of ['"temperature": 1 is full', 'topP: 1', 'seed/overflow']) expect(full).toContain(text);
    expect(told(refused({ topP: 3 }), { stack: false, command: await commandNamed('trace') })).toContain('topP = 3');
  });
  it('of other kinds show their stack only when asked', () => {
    const terminal = fakeTerminal();
    const debugged = fakeTerminal();
    reportError(new TypeError('x is not a function'), terminal, { stack: false });
    reportError(new TypeError('x is not a function'), debugged, { stack: true });
    expect(terminal.err()).toContain('heed: x is not a function\n');
    expect(terminal.err()).not.toContain('    at ');
    expect(debugged.err()).toContain('    at ');
  });
  it('of usage are wrapped to the terminal', () => {
    const terminal = fakeTerminal({ columns: 40 });
    reportError(new UsageError('word '.repeat(30).trim()), terminal, { stack: false });
    for (const line of terminal.err().split('\n')) expect(line.length).toBeLessThanOrEqual(40);
  });
  it('name a folder that is not there', async () => {
    const { code, err, out } = await heed('inspect', 'no/such/folder');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('there is no such file or folder');
    expect(err).toContain('no/such/folder');
  });
});
