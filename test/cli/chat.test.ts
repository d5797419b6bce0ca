/** `heed chat` and `heed complete`: piped, typed into a terminal, and what they keep and refuse. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyboardLines } from '../../src/cli/line-reader.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { tinyFiles } from '../tasks/tiny-checkpoints.ts';
import { fakeTerminal } from './fake-terminal.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let folder = '';
const at = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heed-chat-'));
  const files = tinyFiles('gpt');
  for (const name of ['chat', 'plain']) {
    mkdirSync(at(name));
    for (const [file, bytes] of Object.entries(files)) writeFileSync(join(at(name), file), bytes);
  }
  const path = join(at('plain'), 'tokenizer_config.json');
  const { chat_template: _, ...config } = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify(config));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function heed(argv: readonly string[], options: Partial<Terminal> & { input?: string } = {}) {
  const terminal = fakeTerminal({ keyboard: false, ...options });
  const [command, model, ...rest] = argv as [string, string, ...string[]];
  const all = [command, at(model), ...rest, '--device', 'reference'];
  const code = await runCli(all, terminal, new AbortController().signal);
  return { code, out: terminal.out(), err: terminal.err() };
}
const lines = (text: string) => text.trimEnd().split('\n');
const answers = (out: string) => lines(out).map(line => JSON.parse(line));

describe('heed chat, piped', () => {
  it('answers a line with a line, and reads only what is new', async () => {
    const { code, out } = await heed(['chat', 'chat', '-n', '4', '--json'], { input: 'der hund\ndie katze\n' });
    expect(code).toBe(0);
    const [first, second, ...more] = answers(out);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ role: 'assistant', finishReason: 'length', stats: { cachedTokens: 0 } });
    // All of the first turn but what its text does not give back as the same tokens.
    expect(second.stats.cachedTokens).toBeGreaterThanOrEqual(first.stats.promptTokens);
    const text = await heed(['chat', 'chat', '-n', '4', '-q'], { input: 'der hund\n' });
    expect(text).toEqual({ code: 0, out: `${first.content}\n`, err: '' });
  });
  it('takes messages of several lines', async () => {
    const talk = at('lines.jsonl');
    const { code, err } = await heed(['chat', 'chat', '-n', '2'], {
      input: `"""der\nhund"""\nder \\\nhund\n"""\nder\nhund\n"""\n//der hund\n/save ${talk}\n`,
    });
    expect([code, err.includes('8 messages')]).toEqual([0, true]);
    const asked = answers(readFileSync(talk, 'utf8')).flatMap(({ role, content }) =>
      role === 'user' ? [content] : [],
    );
    expect(asked).toEqual(['der\nhund', 'der \nhund', 'der\nhund', '/der hund']);
  });
  it('keeps, forgets and takes back what was said', async () => {
    const talk = at('talk.jsonl');
    const script = ['/set seed 1', '/set temperature 1', 'der hund', '/retry', `/save ${talk}`, '/clear', '/show'];
    const { out, err } = await heed(['chat', 'chat', '-n', '3', '--json', '--system', 'ein hund'], {
      input: `${script.join('\n')}\n`,
    });
    const [first, again] = answers(out);
    expect(again.content).not.toBe(first.content);
    expect(again.stats.cachedTokens).toBeGreaterThan(0);
    expect(answers(readFileSync(talk, 'utf8'))).toEqual([
      { role: 'system', content: 'ein hund' },
      { role: 'user', content: 'der hund' },
      { role: 'assistant', content: again.content },
    ]);
    expect(err).toMatch(/messages +0\n/);
    expect(err).toMatch(/context +\d+ of 64 tokens\n +system +ein hund\n/);
    expect(err).toMatch(/seed +2\n/);
    const on = await heed(['chat', 'chat', '-n', '3', '--load', talk], { input: '/show\n/show history\n/bye\nno\n' });
    expect(on.err).toMatch(/messages +2\n[\s\S]*user: der hund\nassistant: /);
    expect(on.out).toBe('');
  });
  it('leaves the oldest turns out when the context is full, and says so', async () => {
    const input = 'der hund jagt die katze in berlin\n'.repeat(4);
    const { code, out, err } = await heed(['chat', 'chat', '-n', '8', '--json'], { input });
    expect(code).toBe(0);
    expect(answers(out).length).toBe(4);
    for (const { stats } of answers(out)) expect(stats.promptTokens + stats.newTokens).toBeLessThanOrEqual(64);
    expect(err).toMatch(/oldest messages \(\d\) are left out/);
    const long = await heed(['chat', 'chat'], { input: `${'der hund '.repeat(60)}\n` });
    expect(long.code).toBe(1);
    expect(long.err).toMatch(/too long for this model[\s\S]*fewer than 64/);
  });
  it('says once that a model without a template has plain turns', async () => {
    const { code, out, err } = await heed(['chat', 'plain', '-n', '4'], { input: 'der hund\ndie katze\n' });
    expect([code, lines(out).length]).toEqual([0, 2]);
    expect(err.match(/no chat template/g)?.length).toBe(1);
    const told = at('own.jinja');
    writeFileSync(told, '{{ messages[0].content }}:');
    expect((await heed(['chat', 'plain', '-n', '4', '--template', told], { input: 'a\n' })).err).not.toMatch(
      /template/,
    );
  });
  it('ends a program’s input with an error that says what to do', async () => {
    for (const [input, message] of [
      ['/sho\n', 'did you mean /show?'],
      ['/set top_p 1\n', 'did you mean top-p?'],
      ['/set top-p 3\n', 'a number from 0 to 1'],
      ['/set temperature warm\n', 'temperature cannot be warm'],
      ['/retry\n', 'no answer to take back'],
      [`/load ${at('nothing')}\n`, 'cannot be read'],
      ['/save\n', '/save talk.jsonl'],
    ] as const) {
      const { code, err } = await heed(['chat', 'chat'], { input });
      expect([input, code]).toEqual([input, 1]);
      expect(err.replace(/\s+/g, ' ')).toContain(message);
    }
    writeFileSync(at('bad.jsonl'), '{"role":"user","content":"a"}\n{"role":1}\n');
    expect((await heed(['chat', 'chat', '--load', at('bad.jsonl')], { input: '' })).err).toContain('bad.jsonl, line 2');
    expect((await heed(['chat', 'chat', '--greedy', '-t', '1'], { input: '' })).code).toBe(2);
  });
  it('speaks German', async () => {
    const { err } = await heed(['chat', 'plain', '--lang', 'de'], { input: '/help\n' });
    expect(err).toContain('keine Chat-Vorlage');
    expect(err).toMatch(/^ {2}\/bye +beendet/m);
  });
});

describe('typed lines', () => {
  const typing = () => {
    const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
    const screen = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    const reader = keyboardLines(stdin as unknown as NodeJS.ReadStream, screen as unknown as NodeJS.WriteStream, {
      history: ['older', 'newer'],
      complete: text => ['/show', '/save'].filter(word => word.startsWith(text)),
    });
    const next = () => reader.next('> ', new AbortController().signal);
    return { stdin, reader, next };
  };
  it('come one at a time, also those typed ahead', async () => {
    const { stdin, reader, next } = typing();
    stdin.write('a\rb\r');
    expect([await next(), await next()]).toEqual([
      { type: 'line', text: 'a' },
      { type: 'line', text: 'b' },
    ]);
    stdin.write('\x04');
    expect(await next()).toEqual({ type: 'end' });
    reader.close();
  });
  it('are one line when they are pasted, with their tabs', async () => {
    const { stdin, reader, next } = typing();
    stdin.write('x\x1b[200~one\rtwo\tthree\r\x1b[201~!\r');
    expect(await next()).toEqual({ type: 'line', text: 'xone\ntwo\tthree\n!' });
    reader.close();
  });
  it('can be earlier ones, completed, and broken off', async () => {
    const { stdin, reader, next } = typing();
    stdin.write('\x1b[A\x1b[A!\r');
    expect(await next()).toEqual({ type: 'line', text: 'older!' });
    const typed = next();
    // Only a tab that comes alone is the key.
    for (const key of ['/sh', '\t', '\r']) {
      stdin.write(key);
      await new Promise(setImmediate);
    }
    expect(await typed).toEqual({ type: 'line', text: '/show' });
    stdin.write('begun\x03');
    expect(await next()).toEqual({ type: 'interrupt', text: 'begun' });
    stdin.write('\x03');
    expect(await next()).toEqual({ type: 'interrupt', text: '' });
    reader.close();
  });
  it('end when the command is to end', async () => {
    const { reader } = typing();
    const stop = new AbortController();
    const line = reader.next('> ', stop.signal);
    stop.abort();
    await expect(line).rejects.toBe(stop.signal.reason);
    reader.close();
  });
});

const hasScript = process.platform === 'linux' && existsSync('/usr/bin/script');
describe.skipIf(!hasScript)(`heed chat in a terminal${hasScript ? '' : ' (needs script)'}`, () => {
  it('reads what is typed, keeps it for the arrow keys, and leaves at Ctrl-D', async () => {
    const state = at('state');
    const command = `"${process.execPath}" --import tsx src/cli/main.ts chat "${at('chat')}" -n 50 -t 1 --threads 1`;
    const { HEED_NO_HISTORY: _, ...env } = process.env;
    const child = spawn('/usr/bin/script', ['-qfec', command, '/dev/null'], {
      cwd: ROOT,
      env: { ...env, XDG_STATE_HOME: state, LANG: 'C', LC_ALL: 'C', TERM: 'xterm' },
    });
    let seen = '';
    const waiting: { readonly until: RegExp; readonly done: () => void }[] = [];
    child.stdout.setEncoding('utf8').on('data', text => {
      // Lines are as long as the terminal, which is narrow here.
      seen = (seen + text).replace(/\s+/g, ' ');
      for (const { until, done } of waiting) if (until.test(seen)) done();
    });
    const shown = (until: RegExp) =>
      new Promise<void>(done => (until.test(seen) ? done() : waiting.push({ until, done })));
    const ended = new Promise<number | null>(resolve => child.on('close', resolve));
    await shown(/> /);
    child.stdin.write('/show\r');
    await shown(/messages[^\d]*0/);
    child.stdin.write('/sho\r');
    // Ctrl-D counts where a prompt waits.
    await shown(/did you mean \/show\?.*> /);
    child.stdin.write('\x04');
    expect(await ended).toBe(0);
    expect(readFileSync(join(state, 'heed/chat-history'), 'utf8')).toBe('/show\n/sho\n');
    expect(seen).toContain('/help lists what can be done');
  }, 120_000);
});

describe('heed complete', () => {
  it('writes what follows, and nothing else', async () => {
    const { out, err, code } = await heed(['complete', 'plain', 'der hund', '-n', '4']);
    expect([code, err]).toEqual([0, '']);
    expect((await heed(['complete', 'plain', '-n', '4', '--echo'], { input: 'der hund\n' })).out).toBe(
      `der hund${out}`,
    );
    expect(JSON.parse((await heed(['complete', 'plain', 'der hund', '-n', '4', '--json'])).out)).toEqual({
      prompt: 'der hund',
      text: out.slice(0, -1),
      finishReason: 'length',
    });
  });
  it('takes a text per line, in passes of any size', async () => {
    const input = 'der hund\n\ndie katze\nanna\n';
    const run = (...more: string[]) => heed(['complete', 'plain', '--batch', '-n', '4', ...more], { input });
    const { out } = await run('--json');
    expect(answers(out).map(({ prompt }) => prompt)).toEqual(['der hund', 'die katze', 'anna']);
    expect((await run('--json', '--batch-size', '2')).out).toBe(out);
    expect(lines((await run('--echo')).out).length).toBe(3);
    expect((await heed(['complete', 'plain', 'x', '--batch'])).code).toBe(2);
  });
});
