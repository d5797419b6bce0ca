/** The commands of the tasks on tiny checkpoints: what they print for people and for programs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { createPaint, type Terminal } from '../../src/cli/terminal.ts';
import { pipeline } from '../../src/tasks/pipeline.ts';
import { tinyCheckpoint } from '../tasks/tiny-checkpoints.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { tinyRecording, writeTiny } from './tiny-folders.ts';

let folder = '';
const at = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heed-tasks-'));
  const names = ['mlm', 'sentiment', 'nli', 'reranker', 'ner', 'qa', 't5', 'nllb', 'vit', 'whisper', 'edits'];
  for (const name of names) writeTiny(at(name), name);
  writeFileSync(at('talk.wav'), tinyRecording());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function heed(argv: readonly string[], options: Partial<Terminal> & { input?: string } = {}) {
  const terminal = fakeTerminal(options);
  const [command, model, ...rest] = argv as [string, string, ...string[]];
  const all = [command, at(model), ...rest, '--device', 'reference'];
  const code = await runCli(all, terminal, new AbortController().signal);
  return { code, out: terminal.out(), err: terminal.err() };
}
const lines = (text: string) => text.trimEnd().split('\n');

describe('heed fill', () => {
  it('shows words with their share as bars', async () => {
    const { code, out } = await heed(['fill', 'mlm', 'The [MASK] is this example.', '-k', '2']);
    expect(code).toBe(0);
    expect(lines(out)).toEqual([
      expect.stringMatching(/^"g" +47.0 % +█+\S? +the g is this example\.$/),
      expect.stringMatching(/^"4" +39.4 % +█+\S? +the 4 is this example\.$/),
    ]);
  });
  it('prints a JSON line for each line of standard input', async () => {
    const { out } = await heed(['fill', 'mlm', '--json', '-k', '1'], { input: 'der [MASK]\n\ndie [MASK] jagt\n' });
    const results = lines(out).map(line => JSON.parse(line));
    expect(results.length).toBe(2);
    expect(results[1][0]).toMatchObject({ mask: 0, start: 4, end: 10, tokenStr: expect.any(String) });
  });
  it('says what is missing', async () => {
    const { code, err } = await heed(['fill', 'mlm', 'der hund']);
    expect(code).toBe(1);
    expect(err).toMatch(/text without a mask/);
    expect((await heed(['fill', 'sentiment', 'der [MASK]'])).err).toMatch(
      /cannot do fill-mask[\s\S]*text-classification/,
    );
    expect((await heed(['fill', 'mlm'])).code).toBe(2);
  });
});

describe('heed classify', () => {
  it('ranks the classes', async () => {
    const { out } = await heed(['classify', 'sentiment', 'the dog is nicht in Berlin.']);
    expect(lines(out).map(line => line.split(/ +/)[0])).toEqual(['LABEL_1', 'LABEL_2', 'LABEL_0']);
  });
  it('ranks labels of your own, and pairs', async () => {
    const own = await heed([
      'classify',
      'nli',
      'Anna liebt Paris.',
      '--label',
      'Katze',
      '--label',
      'Hund',
      '--template',
      'Die {}!',
    ]);
    expect(lines(own.out).map(line => line.split(/ +/).slice(0, 2).join(' '))).toEqual(['Hund 54.1', 'Katze 45.9']);
    const pair = await heed(['classify', 'nli', 'Anna wohnt in Berlin.', '--pair', 'Anna liebt Berlin.', '--json']);
    expect(JSON.parse(pair.out)[0]).toMatchObject({ label: 'entailment' });
    expect((await heed(['classify', 'nli', 'x', '--multi-label'])).err).toMatch(/give at least one/);
  });
  it('looks at pictures', async () => {
    const head = new TextEncoder().encode('P6 20 12 255\n');
    const pixels = Uint8Array.from({ length: 20 * 12 * 3 }, (_, i) => (i * 37 + 11) % 256);
    const path = at('pattern.ppm');
    writeFileSync(path, new Uint8Array([...head, ...pixels]));
    const { out } = await heed(['classify', 'vit', path, '--json', '-k', '1']);
    expect(JSON.parse(out)).toEqual([{ label: 'house', score: expect.closeTo(0.3989331, 5) }]);
    expect((await heed(['classify', 'vit', at('none.ppm')])).err).toMatch(/no such file/);
  });
});

describe('heed tokens', () => {
  it('marks entities in the text, in colour where there is any', async () => {
    const { out } = await heed(['tokens', 'ner', 'Anna wohnt 😀']);
    expect(out).toBe('Anna [wohnt 😀] LOC\n');
    const coloured = await heed(['tokens', 'ner', 'Anna wohnt in'], { paint: createPaint(true) });
    expect(coloured.out).toMatch(/\x1b\[\d+m\[\S+\]\x1b\[0m\x1b\[2m (PER|LOC)/);
  });
  it('says where they stand', async () => {
    const { out } = await heed(['tokens', 'ner', '😀 Anna', '--strategy', 'first', '--json']);
    expect(JSON.parse(out)).toContainEqual(expect.objectContaining({ word: 'anna', start: 3, end: 7 }));
  });
});

describe('heed answer', () => {
  it('shows the answer within its text', async () => {
    const { out } = await heed(['answer', 'qa', 'Wer?', 'Der Hund 😀 jagt die Katze.', '-k', '2']);
    expect(lines(out)[0]).toBe('Der Hund 😀 jagt die Katze.');
    expect(out).toMatch(/^jagt die Katze\. +3\.1 %/m);
    const { out: json } = await heed(['answer', 'qa', 'Wer?', '--json'], { input: 'Der Hund 😀 jagt die Katze.' });
    expect(JSON.parse(json)).toEqual({ answer: '.', start: 26, end: 27, score: expect.closeTo(0.04828174, 5) });
  });
});

describe('heed translate and summarize', () => {
  it('write what the pipelines write', async () => {
    const into = ['--from', 'eng_Latn', '--to', 'deu_Latn', '-n', '8', '--beams', '1'];
    expect((await heed(['translate', 'nllb', 'the dog is in paris', ...into])).out).toBe('xxxxxxx\n');
    const piped = await heed(['translate', 'nllb', ...into, '--json'], { input: 'the dog\nparis\n' });
    expect(lines(piped.out).map(line => Object.keys(JSON.parse(line)[0]))).toEqual([
      ['translationText'],
      ['translationText'],
    ]);
    expect((await heed(['translate', 'nllb', 'the dog', '--to', 'it'])).err).toMatch(/deu_Latn/);
    const text = 'The dog is in Berlin. Anna liebt die Katze und Maria jagt in Paris.';
    const { out } = await heed(['summarize', 't5', '-n', '6', '--beams', '1'], { input: `${text}\n` });
    expect(out).toBe('q<unused102>q<unused102><unused102>?\n');
  });
});

describe('heed embed', () => {
  it('prints vectors, and compares lines', async () => {
    const { out } = await heed(['embed', 'mlm', 'Anna 😀 wohnt.', '--json']);
    expect(JSON.parse(out).slice(0, 2)).toEqual([expect.closeTo(1.732482, 4), expect.closeTo(0.1133359, 4)]);
    const table = await heed(['embed', 'mlm'], { input: 'der hund\nder hund\nparis\n' });
    expect(lines(table.out)[0]).toMatch(/^ +1 +1\.00 +1\.00 +-?0\.\d\d {2}der hund$/);
    expect((await heed(['embed', 'mlm', 'anna', '--lang', 'de'])).out).toMatch(/^32 Zahlen: /);
  });
});

describe('heed denoise', () => {
  it('shows each step to a person, and the text to a program', async () => {
    const call = ['denoise', 'mlm', 'der [MASK] [MASK] berlin', '--steps', '2'];
    const shown = lines((await heed(call, { interactive: true })).out);
    expect(shown[0]).toMatch(/^step 1\/2 +der .*berlin$/);
    expect(shown[0]!.split('░').length).toBe(2);
    expect(shown.at(-1)).not.toContain('░');
    const plain = (await heed(call)).out;
    expect(plain).toBe(`${shown.at(-1)}\n`);
    expect(JSON.parse((await heed([...call, '--json'])).out)).toEqual({ generatedText: plain.trimEnd() });
  });
});

describe('heed edit', () => {
  const call = ['edit', 'edits', 'der hund jagt', '--steps', '2', '--beams', '2', '--revision-beams', '1', '-n', '6'];
  it('shows each revision to a person, and the text to a program', async () => {
    const { code, out } = await heed(call, { interactive: true });
    expect(code).toBe(0);
    expect(out).toMatch(/^step 1 {2}.*\n(step 2 {2}.*\n)?\n.*\n$/);
    const plain = (await heed(call)).out;
    expect(out.endsWith(`\n\n${plain}`)).toBe(true);
    expect((await heed([...call, '--lang', 'de'], { interactive: true })).out).toMatch(/^Schritt 1 /);
    const result = JSON.parse((await heed([...call, '--json'])).out);
    expect(result).toEqual({
      generatedText: plain.slice(0, -1),
      score: expect.any(Number),
      revisions: expect.any(Number),
    });
    // The draft was edited: what comes out is not what went in.
    expect([result.revisions > 0, plain]).toEqual([true, expect.not.stringMatching(/^der hund jagt\n$/)]);
  });
  it('wants a model of edits', async () => {
    expect((await heed(['edit', 'sentiment', 'der hund'])).err).toMatch(/cannot do text-editing[\s\S]*it can do/);
  });
});

describe('heed rank', () => {
  const input = 'paris\nder hund jagt\nder hund\n';
  it('orders by the cosines of the vectors', async () => {
    const { code, out } = await heed(['rank', 'mlm', 'der hund'], { input });
    expect(code).toBe(0);
    expect(lines(out)[0]).toBe(` 1.000  ${'█'.repeat(10)}  der hund`);
    expect(
      lines(out)
        .map(line => line.slice(20))
        .sort(),
    ).toEqual(['der hund', 'der hund jagt', 'paris']);
    const ranked = JSON.parse((await heed(['rank', 'mlm', 'der hund', '--json', '-k', '2'], { input })).out);
    expect(ranked.map(({ index }: { index: number }) => index)).toEqual([2, expect.any(Number)]);
    expect(ranked[0].score).toBeCloseTo(1, 5);
  });
  it('asks a cross-encoder, which reads both together', async () => {
    const ranked = JSON.parse((await heed(['rank', 'reranker', 'Wer?', '--json'], { input })).out);
    expect(ranked.length).toBe(3);
    for (const { text, score } of ranked) {
      const pair = await heed(['classify', 'reranker', 'Wer?', '--pair', text, '--json']);
      expect(score).toBeCloseTo(JSON.parse(pair.out)[0].score, 5);
    }
    const scores = ranked.map(({ score }: { score: number }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  });
});

describe('heed transcribe', () => {
  const call = ['transcribe', 'whisper', '', '-t', '0'];
  beforeAll(() => {
    call[2] = at('talk.wav');
  });
  it('writes what the pipeline hears', async () => {
    const hear = await pipeline('automatic-speech-recognition', tinyCheckpoint('whisper'), {
      backend: createReferenceBackend(),
    });
    const { text } = await hear(readFileSync(at('talk.wav')), { temperatures: [0] });
    hear.dispose();
    expect(text).not.toBe('');
    expect(await heed(call)).toEqual({ code: 0, out: `${text}\n`, err: '' });
    expect(JSON.parse((await heed([...call, '--json'])).out)).toEqual({ text });
  });
  it('says when', async () => {
    const { chunks } = JSON.parse((await heed([...call, '--timestamps', '--json'])).out);
    expect(chunks.length).toBeGreaterThan(0);
    const { out } = await heed([...call, '--timestamps']);
    expect(lines(out).length).toBe(chunks.length);
    expect(lines(out)[0]).toMatch(/^\d+:\d\d\.\d – \d+:\d\d\.\d {2}/);
  });
  it('says what is wrong', async () => {
    const none = await heed(['transcribe', 'whisper', at('none.wav')]);
    expect([none.code, none.err]).toEqual([1, expect.stringMatching(/no such file/)]);
    expect((await heed(['transcribe', 'mlm', at('talk.wav')])).err).toMatch(/cannot do automatic-speech-recognition/);
  });
});

describe('heed run with an encoder-decoder', () => {
  it('answers, and does not write the question before the answer', async () => {
    const call = ['run', 't5', 'der hund', '-n', '4', '--greedy'];
    const { code, out } = await heed(call, { interactive: true });
    expect([code, out.includes('der hund')]).toEqual([0, false]);
    expect((await heed(call)).out).toBe(out);
  });
});
