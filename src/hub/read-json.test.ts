import { describe, expect, it } from 'vitest';
import { FormatError } from '../errors.ts';
import { bytesSource } from '../formats/index.ts';
import type { ModelFiles } from './files.ts';
import { readFile, readJson, readJsonValue } from './read-json.ts';

/** One file whose size may be claimed; reading it gives what it holds. */
const folder = (text: string, size?: number): ModelFiles => ({
  name: 'm',
  open: async name => {
    const source = bytesSource(new TextEncoder().encode(text), `m/${name}`);
    const claimed = size ?? source.size;
    return { ...source, size: claimed, read: () => source.read(0, source.size) };
  },
});

describe('readJson', () => {
  it.each(['config.json', 'generation_config.json', 'tokenizer_config.json', '1_Pooling/config.json', 'modules.json'])(
    'refuses a %s that is longer than any before it is read',
    async name => {
      const most = folder('{}', 64e6);
      expect(await readJson(most, name)).toEqual({});
      const failure = readJsonValue(folder('{}', 64e6 + 1), name);
      await expect(failure).rejects.toThrow(FormatError);
      await expect(failure).rejects.toThrow(/file is too large; seen: 64000001 bytes; expected: at most 64000000.*m\//);
    },
  );

  it('lets a tokenizer be larger, but not without bound', async () => {
    expect(await readFile(folder('{}', 9e8), 'tokenizer.json')).toHaveLength(2);
    await expect(readFile(folder('{}', 1e9 + 1), 'tokenizer.json')).rejects.toThrow(/at most 1000000000/);
  });

  it('says what is wrong with a file', async () => {
    await expect(readJson(folder('{'), 'config.json')).rejects.toThrow(/config\.json is not valid JSON.*in m/);
    await expect(readJson(folder('[]'), 'config.json')).rejects.toThrow(/not a JSON object; seen: a list/);
  });
});
