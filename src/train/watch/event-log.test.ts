import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FormatError } from '../../errors.ts';
import { openEventLog, readEventLog } from './event-log.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-log-'));
  path = join(folder, 'log.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

const write = async (from: number, to: number, options = {}) => {
  const log = await openEventLog(path, options);
  for (let step = from; step <= to; step++) await log.write({ type: 'step', step, loss: 1 / step });
  await log.close();
};

describe('the event log', () => {
  it('goes on where it ended', async () => {
    await write(1, 3);
    await write(4, 5);
    expect((await readEventLog(path)).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(await readFile(path, 'utf8')).toBe(
      [1, 2, 3, 4, 5].map(step => `{"type":"step","step":${step},"loss":${1 / step}}\n`).join(''),
    );
  });
  it('takes away a line that the end of the program cut, and reads the others', async () => {
    await write(1, 2);
    await appendFile(path, '{"type":"step","step":3,"lo');
    expect(await readEventLog(path)).toHaveLength(2);
    await write(3, 3);
    expect((await readEventLog(path)).map(({ step }) => step)).toEqual([1, 2, 3]);
  });
  it('takes away what a resumed run makes again', async () => {
    await write(1, 7);
    await write(6, 8, { after: 5 });
    expect((await readEventLog(path)).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
  it('keeps bytes of more than one unit where they are', async () => {
    const log = await openEventLog(path);
    await log.write({ type: 'note', text: 'größer 🚤' });
    await log.close();
    await appendFile(path, 'cut');
    await write(1, 1);
    expect(await readEventLog(path)).toEqual([
      { type: 'note', text: 'größer 🚤' },
      { type: 'step', step: 1, loss: 1 },
    ]);
  });
  it('writes numbers that JSON lacks as texts', async () => {
    const log = await openEventLog(path);
    await log.write({ type: 'step', loss: Number.NaN, norm: Number.POSITIVE_INFINITY });
    await log.close();
    expect(await readEventLog(path)).toEqual([{ type: 'step', loss: 'NaN', norm: 'Infinity' }]);
  });
  it('says which line is damaged, and that no file is an empty log', async () => {
    expect(await readEventLog(join(folder, 'none'))).toEqual([]);
    await writeFile(path, '{"type":"step"}\nnonsense\n{"type":"step"}\n');
    await expect(readEventLog(path)).rejects.toThrow(FormatError);
    await expect(openEventLog(path)).rejects.toThrow('line 2 of the log is no JSON; seen: nonsense');
    await writeFile(path, '[1]\n');
    await expect(readEventLog(path)).rejects.toThrow('line 1 of the log is no event');
  });
});
