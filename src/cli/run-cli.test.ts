import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fakeTerminal } from '../../test/cli/fake-terminal.ts';
import { FormatError } from '../errors.ts';
import { UsageError } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { widthOf } from './layout.ts';
import { parseArguments } from './parse-arguments.ts';
import { reportError } from './report-error.ts';
import { runCli } from './run-cli.ts';

async function heed(...argv: string[]) {
  const terminal = fakeTerminal();
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
          .replace(/ [|<] .*$/, '')
          .matchAll(/"([^"]*)"|(\S+)/g),
      ].map(m => m[1] ?? m[2]!);
      expect(words.shift(), line).toBe(command.name);
      expect(() => parseArguments(command, words), line).not.toThrow();
    }
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
    expect((await heed('run', 'nowhere')).err).toContain('a prompt is missing');
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
