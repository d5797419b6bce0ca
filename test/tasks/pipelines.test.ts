/**
 * Every task against transformers' pipelines (4.57) on the same tiny checkpoints: `data/pipelines.json` holds calls and what came
 * of them there, names in camelCase and places in UTF-16 units.
 */
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { type Pipeline, pipeline } from '../../src/tasks/pipeline.ts';
import type { TaskName } from '../../src/tasks/task-map.ts';
import { tinyCheckpoint } from './tiny-checkpoints.ts';

interface Case {
  readonly checkpoint: string;
  readonly task: TaskName;
  readonly input: unknown;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly expected: unknown;
}
type AnyPipeline = ((input: unknown, options?: object) => Promise<unknown>) & Pick<Pipeline, 'dispose'>;

const cases = JSON.parse(readFileSync(new URL('data/pipelines.json', import.meta.url), 'utf8')) as Case[];
const backend = createReferenceBackend();
const open = new Map<string, Promise<AnyPipeline>>();
function pipelineOf({ checkpoint, task }: Case): Promise<AnyPipeline> {
  const key = `${task} ${checkpoint}`;
  const found =
    open.get(key) ??
    (pipeline(task, tinyCheckpoint(checkpoint), { backend }) as Promise<unknown> as Promise<AnyPipeline>);
  open.set(key, found);
  return found;
}
afterAll(async () => {
  for (const pipe of open.values()) (await pipe).dispose();
});

/** A picture and a sound that the script that made the data knows by their names. */
const PICTURE = {
  ...{ width: 20, height: 12 },
  data: Uint8Array.from({ length: 20 * 12 * 3 }, (_, i) => (i * 37 + 11) % 256),
};
const CHIRP = Float32Array.from({ length: 3000 }, (_, i) => Math.sin(i * i * 1e-5) / 2);
const MEDIA: Readonly<Record<string, unknown>> = { 'pattern 20 x 12': PICTURE, 'chirp of 3000 samples': CHIRP };
const inputOf = ({ input }: Case) => MEDIA[input as string] ?? input;

/** Numbers to 2e-5 of their size, all else exactly; what heed adds to a result is not looked at. */
function expectLike(seen: unknown, expected: unknown, path = 'result'): void {
  if (typeof expected === 'number') {
    expect(typeof seen, path).toBe('number');
    const difference = Math.abs((seen as number) - expected);
    expect(difference, `${path}: ${seen} for ${expected}`).toBeLessThanOrEqual(2e-5 * Math.max(1, Math.abs(expected)));
  } else if (Array.isArray(expected)) {
    expect((seen as unknown[]).length, path).toBe(expected.length);
    for (const [i, value] of expected.entries()) expectLike((seen as unknown[])[i], value, `${path}[${i}]`);
  } else if (typeof expected === 'object' && expected !== null) {
    for (const [name, value] of Object.entries(expected))
      expectLike((seen as Record<string, unknown>)[name], value, `${path}.${name}`);
  } else expect(seen, path).toBe(expected);
}

describe('tasks give what transformers gives', () => {
  it.each(
    cases.map((one, i) => [`${i} ${one.task} of ${one.checkpoint} ${JSON.stringify(one.options ?? {})}`, one] as const),
  )('%s', async (_, one) => {
    const pipe = await pipelineOf(one);
    expectLike(await pipe(inputOf(one), one.options), one.expected);
  });
  it('in a batch as alone', async () => {
    const calls = new Map<string, Case[]>();
    for (const one of cases) {
      const key = JSON.stringify([one.task, one.checkpoint, one.options]);
      calls.set(key, [...(calls.get(key) ?? []), one]);
    }
    const several = [...calls.values()].filter(list => list.length > 1);
    expect(several.length).toBeGreaterThan(1);
    for (const list of several) {
      const results = (await (await pipelineOf(list[0]!))(list.map(inputOf), list[0]!.options)) as unknown[];
      for (const [i, one] of list.entries()) expectLike(results[i], one.expected, `${one.task} ${i}`);
    }
  });
});
