/** Ctrl-C: what has been written stays and its line ends, the exit code is 130; a chat stops its answer and goes on. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InputLine } from '../../src/cli/line-reader.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { tinyRecording, writeTiny } from './tiny-folders.ts';

let folder = '';
const at = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heed-interrupt-'));
  for (const name of ['gpt', 'mlm', 'sentiment', 'ner', 'qa', 't5', 'nllb', 'whisper', 'edits'])
    writeTiny(at(name), name);
  writeFileSync(at('talk.wav'), tinyRecording());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const withFolder = ([command, model, ...rest]: readonly string[]) => [
  command!,
  at(model!),
  ...rest.map(word => (word.endsWith('.wav') ? at(word) : word)),
  '--device',
  'reference',
];
const into = ['--from', 'eng_Latn', '--to', 'deu_Latn'];

describe('Ctrl-C', () => {
  it.each([
    [['run', 'gpt', 'der hund', '-n', '50', '--greedy']],
    [['complete', 'gpt', 'der hund', '-n', '50', '--greedy']],
    [['translate', 'nllb', 'the dog is in paris', '-n', '20', '--beams', '1', ...into]],
    [['denoise', 'mlm', 'der hund', '-n', '8']],
    [['edit', 'edits', 'der hund jagt die katze', '-n', '6']],
  ])('%j ends the line that is begun', async argv => {
    const interrupt = new AbortController();
    let out = '';
    const terminal = fakeTerminal({
      interactive: true,
      write: text => {
        out += text;
        if (text.trim() !== '' && text !== 'der hund') interrupt.abort();
      },
    });
    expect(await runCli(withFolder(argv), terminal, interrupt.signal)).toBe(130);
    expect([terminal.err(), out.trim() !== '', out.endsWith('\n')]).toEqual(['', true, true]);
  });
  it.each([
    [['fill', 'mlm', 'der [MASK]']],
    [['classify', 'sentiment', 'der hund']],
    [['tokens', 'ner', 'der hund']],
    [['answer', 'qa', 'Wer?', 'der hund']],
    [['embed', 'mlm', 'der hund']],
    [['rank', 'mlm', 'der hund', 'die katze']],
    [['summarize', 't5', 'der hund']],
    [['transcribe', 'whisper', 'talk.wav']],
    [['trace', 'gpt', 'der hund']],
  ])('%j ends with 130', async argv => {
    const terminal = fakeTerminal();
    expect(await runCli(withFolder(argv), terminal, AbortSignal.abort())).toBe(130);
    expect([terminal.out(), terminal.err()]).toEqual(['', '']);
  });
});

describe('Ctrl-C in a chat', () => {
  /** Types lines into a chat; while an answer is written, Ctrl-C is pressed at its first text. */
  async function chat(typed: readonly InputLine[], ...options: string[]) {
    let press: (() => void) | undefined;
    let out = '';
    let answers = 0;
    const waiting = [...typed];
    const terminal = fakeTerminal({
      keyboard: true,
      interactive: true,
      env: { HEED_NO_HISTORY: '1' },
      write: text => {
        out += text;
        press?.();
      },
      lines: async () => ({ next: async () => waiting.shift() ?? { type: 'end' }, close() {} }),
      catchInterrupt: handler => {
        answers++;
        press = handler;
        return () => {
          press = undefined;
        };
      },
    });
    const argv = withFolder(['chat', 'gpt', '-n', '30', '--greedy', ...options]);
    const code = await runCli(argv, terminal, new AbortController().signal);
    return { code, out, err: terminal.err(), answers, left: waiting.length };
  }
  const line = (text: string): InputLine => ({ type: 'line', text });
  const interrupt = (text: string): InputLine => ({ type: 'interrupt', text });

  it('stops the answer, keeps what there is of it, and goes on', async () => {
    const { code, out, answers } = await chat([line('der hund'), line('/show history'), line('die katze')]);
    expect([code, answers]).toEqual([0, 2]);
    const [, kept] = /user: der hund\nassistant: (.*)\n/.exec(out) ?? [];
    expect(kept).toMatch(/\S/);
    // What was written until then has a line of its own, and is what is kept.
    expect(out).toContain(`\n${kept}\nuser: der hund\nassistant: ${kept}\n`);
    const whole = fakeTerminal({ input: 'der hund\n', keyboard: false });
    await runCli(withFolder(['chat', 'gpt', '-n', '30', '--greedy', '-q']), whole, new AbortController().signal);
    expect(whole.out().startsWith(kept!)).toBe(true);
    expect(whole.out().trimEnd().length).toBeGreaterThan(kept!.length);
  });
  it('drops a line that is begun; at an empty one it leaves', async () => {
    const { code, answers, left } = await chat([interrupt('der hu'), interrupt(''), line('der hund')]);
    expect([code, answers, left]).toEqual([0, 0, 1]);
  });
  it('ends a chat that is piped in, with 130', async () => {
    const stop = new AbortController();
    let out = '';
    const terminal = fakeTerminal({
      ...{ input: 'der hund\ndie katze\n', keyboard: false },
      write: text => {
        out += text;
        stop.abort();
      },
    });
    expect(await runCli(withFolder(['chat', 'gpt', '-n', '30', '--greedy', '-q']), terminal, stop.signal)).toBe(130);
    expect(out.split('\n').length).toBe(2);
  });
});
