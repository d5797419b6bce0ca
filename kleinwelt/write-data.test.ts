import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConfigError } from '../src/errors.ts';
import { writeData } from './write-data.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-data-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('writes texts, analyses and a file of rows per task, the same again', async () => {
  const options = { seed: 3, split: 'test', rows: 5, tasks: ['sentiment', 'questions'] } as const;
  const files = await writeData({ ...options, out: join(folder, 'a') });
  await writeData({ ...options, out: join(folder, 'b') });
  expect(files.map(file => basename(file))).toEqual([
    ...['texts.de.txt', 'texts.de.conllu', 'texts.en.txt', 'texts.en.conllu'],
    ...['sentiment.jsonl', 'questions.jsonl'],
  ]);
  for (const file of files) {
    const text = await readFile(file, 'utf8');
    expect(await readFile(join(folder, 'b', basename(file)), 'utf8')).toBe(text);
    if (!file.endsWith('.conllu')) expect(text.split('\n').length).toBe(6);
    if (file.endsWith('.jsonl')) for (const line of text.trim().split('\n')) JSON.parse(line);
  }
});

it('refuses a number of rows that is none', async () => {
  await expect(writeData({ out: folder, seed: 1, rows: 0.5 })).rejects.toThrow(ConfigError);
});
