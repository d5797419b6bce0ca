import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import type { OptionTable, Values } from './command.ts';
import { readSettings, settingsOf, withSettings } from './settings-file.ts';

const options = {
  data: { kind: 'list', value: 'FILE', many: true, help: '' },
  'learning-rate': { kind: 'number', value: 'X', min: 0, help: '' },
  'max-steps': { kind: 'integer', value: 'N', min: 1, help: '' },
  optim: { kind: 'text', value: 'NAME', choices: ['adamw', 'sgd'], help: '' },
  nesterov: { kind: 'flag', help: '' },
} as const satisfies OptionTable;
const command = { name: 'train', options };
const nothing: Values<typeof options> = {
  ...{ data: [], 'learning-rate': undefined, 'max-steps': undefined, optim: undefined, nesterov: false },
};
const from = (settings: object, given: Partial<Values<typeof options>> = {}) =>
  withSettings(command, { ...nothing, ...given }, settings as Readonly<Record<string, unknown>>, 'run.json');

describe('settings', () => {
  it('are options, and those of the command line win', () => {
    const settings = { data: ['a.txt', '--b.txt'], learningRate: 1e-3, maxSteps: 5, nesterov: true, optim: null };
    expect(from(settings)).toEqual({
      ...{ data: ['a.txt', '--b.txt'], 'learning-rate': 1e-3, 'max-steps': 5, optim: undefined, nesterov: true },
    });
    expect(from(settings, { data: ['c.txt'], 'max-steps': 7 })).toMatchObject({ data: ['c.txt'], 'max-steps': 7 });
    expect(from({ nesterov: false })).toEqual(nothing);
  });
  it('are what they were when they are written and read again', () => {
    const values = { ...nothing, data: ['a.txt'], 'learning-rate': 0, nesterov: true };
    const kept = settingsOf(values, ['max-steps']);
    expect(kept).toEqual({ data: ['a.txt'], learningRate: 0, nesterov: true });
    expect(from(JSON.parse(JSON.stringify(kept)))).toEqual(values);
  });
  it.each([
    [{ learningrate: 1 }, 'learningrate is no setting; to do: write learningRate (in run.json)'],
    [{ learningRate: 'fast' }, '--learning-rate is "fast", but must be a number from 0 on'],
    [{ learningRate: -1 }, 'must be a number from 0 on'],
    [{ maxSteps: 1.5 }, 'must be a whole number'],
    [{ optim: 'adam' }, 'must be adamw or sgd'],
    [{ nesterov: 'yes' }, '--nesterov takes no value'],
  ])('%j is refused', (settings, message) => {
    expect(() => from(settings)).toThrow(ConfigError);
    expect(() => from(settings)).toThrow(message);
  });
  it('come from a file that holds an object', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'heed-settings-'));
    try {
      const path = join(folder, 'run.json');
      await expect(readSettings(path)).rejects.toThrow('ENOENT');
      await writeFile(path, '{ "a": ');
      await expect(readSettings(path)).rejects.toThrow('the settings cannot be read');
      await writeFile(path, '[1]');
      await expect(readSettings(path)).rejects.toThrow('settings are a JSON object');
      await writeFile(path, '{"a":1}');
      expect(await readSettings(path)).toEqual({ a: 1 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
