/** `heed train` and `heed finetune` from the first line to the folder that `heed run` reads. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/run-cli.ts';
import { createRng } from '../../src/util/rng.ts';
import { fakeTerminal } from './fake-terminal.ts';

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const bytes = (...names: string[]) => readFile(at(...names));

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Of `--json`. */
  readonly events: readonly { readonly type: string; readonly [field: string]: unknown }[];
}
/** @param stopAt aborts once this step was told, as Ctrl-C does */
async function heed(argv: readonly string[], { stopAt }: { stopAt?: number } = {}): Promise<Outcome> {
  const interrupt = new AbortController();
  const events: { type: string; step?: number }[] = [];
  let out = '';
  const terminal = fakeTerminal({
    write(text) {
      out += text;
      if (!text.startsWith('{"')) return;
      const event = JSON.parse(text) as { type: string; step?: number };
      events.push(event);
      if (event.type === 'step' && event.step === stopAt) interrupt.abort();
    },
  });
  const code = await runCli([...argv, '--threads', '0'], terminal, interrupt.signal);
  return { code, out, err: terminal.err(), events };
}
const stepsOf = ({ events }: Outcome) => events.filter(({ type }) => type === 'step').map(({ step }) => step);

/** Sentences of a small grammar. */
function text(sentences: number): string {
  const rng = createRng(7);
  const one = (words: readonly string[]) => words[rng.below(words.length)]!;
  const sentence = () =>
    `The ${one(['dog', 'cat', 'cow'])} ${one(['sees', 'hears'])} the ${one(['mouse', 'bird', 'child'])}.`;
  return Array.from({ length: sentences }, (_, i) => sentence() + (i % 4 === 3 ? '\n\n' : ' ')).join('');
}
const TINY = ['--layers', '1', '--width', '16', '--heads', '2', '--context', '16', '--batch-size', '4'];
const SHORT = ['--vocab-size', '300', '--max-steps', '8', '--eval-steps', '4', '--save-steps', '4'];
const train = (out: string, ...more: string[]) => [
  'train',
  '--data',
  at('text.txt'),
  '--out',
  at(out),
  ...TINY,
  ...SHORT,
  ...more,
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-train-'));
  await writeFile(at('text.txt'), text(200));
  const { code, err } = await heed(train('base', '--tensorboard'));
  expect([code, err.includes('heed:')], err).toEqual([0, false]);
});
afterAll(() => rm(folder, { recursive: true }));

describe('heed train', () => {
  it('writes a model that runs, and everything about the run', async () => {
    expect((await readdir(at('base'))).sort()).toEqual([
      ...['checkpoints', 'config.json', 'curves.html', 'log.jsonl', 'model.safetensors'],
      ...['settings.json', 'tensorboard', 'tokenizer.json', 'tokens'],
    ]);
    const log = (await readFile(at('base', 'log.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(log.filter(({ type }) => type === 'step').map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(log.filter(({ type }) => type === 'validation').map(({ step }) => step)).toEqual([4, 8]);
    expect(log[0]).toMatchObject({ type: 'start', step: 0, totalSteps: 8 });
    expect(log.at(-2)).toMatchObject({ type: 'done', reason: 'steps', step: 8 });
    expect(log.at(-1)).toMatchObject({ type: 'energy', kilowattHours: expect.any(Number) });
    expect(await readFile(at('base', 'curves.html'), 'utf8')).toContain('<svg');
    const generated = await heed(['run', at('base'), 'The dog', '-n', '4', '--json']);
    expect(JSON.parse(generated.out).ids).toHaveLength(4);
  });
  it('tells people what it needs and what came of it, in their language', async () => {
    const { err, out } = await heed(train('german', '--lang', 'de', '--region', 'DE'));
    expect(err).toMatch(
      /^gpt2 · [\d,.]+ K Parameter · causal-lm\n {2}Daten +[\d.]+ Tokens, [\d.]+ für die Validierung\n/,
    );
    expect(err).toMatch(/^ +8 +5,\d{4} +5,\d{4} .*beste$/m);
    expect(out).toMatch(/^8 Schritte {2}/);
    expect(out).toMatch(/Energie +.*CO₂ \(geschätzt|vom Prozessor gemessen/);
    expect(out).toContain(`ausprobieren  heed run ${at('german')}`);
  });
  it('stops after the step in flight, says how to go on, and then ends with the same bytes', async () => {
    const stopped = await heed(train('stopped', '--json'), { stopAt: 3 });
    expect(stopped.code).toBe(130);
    expect(stepsOf(stopped)).toEqual([1, 2, 3]);
    expect(stopped.events.at(-1)).toMatchObject({
      type: 'summary',
      reason: 'aborted',
      next: `heed train --resume ${at('stopped')}`,
    });
    expect(await readdir(at('stopped'))).not.toContain('model.safetensors');
    const rest = await heed(['train', '--resume', at('stopped'), '--json']);
    expect([rest.code, stepsOf(rest)]).toEqual([0, [4, 5, 6, 7, 8]]);
    expect(await bytes('stopped', 'model.safetensors')).toEqual(await bytes('base', 'model.safetensors'));
    // What it took is that of both parts.
    const tokensOf = ({ events }: Outcome) => Number(events.at(-1)!.tokens);
    expect(tokensOf(rest) / 8).toBe(tokensOf(stopped) / 3);
    const log = await readFile(at('stopped', 'log.jsonl'), 'utf8');
    expect([...log.matchAll(/"type":"step","step":(\d+)/g)].map(([, step]) => Number(step))).toEqual([
      ...[1, 2, 3, 4, 5, 6, 7, 8],
    ]);
  });
  it('does not go on with other options, and loses nothing when asked to', async () => {
    const before = await bytes('base', 'settings.json');
    const other = await heed(['train', '--resume', at('base'), '--learning-rate', '0.5']);
    expect([other.code, other.err]).toEqual([1, expect.stringContaining('learningRate was 0.001, now 0.5')]);
    expect(await bytes('base', 'settings.json')).toEqual(before);
  });
  it('takes options from a file, below those of the command line', async () => {
    const settings = {
      data: [at('text.txt')],
      layers: 1,
      width: 16,
      heads: 2,
      context: 16,
      vocabSize: 300,
      maxSteps: 9,
    };
    await writeFile(at('run.json'), JSON.stringify(settings));
    const run = await heed(['train', '--settings', at('run.json'), '--out', at('file'), '--max-steps', '2', '--json']);
    expect([run.code, stepsOf(run)]).toEqual([0, [1, 2]]);
    expect(JSON.parse(await readFile(at('file', 'settings.json'), 'utf8'))).toEqual({
      ...settings,
      ...{ maxSteps: 2, threads: 0 },
    });
  });
  it('leaves a folder alone that holds a run, unless it is told to', async () => {
    const before = await bytes('base', 'model.safetensors');
    const refused = await heed(train('base'));
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/holds a run or a model already\n.*\n.*--resume/);
    expect(await bytes('base', 'model.safetensors')).toEqual(before);
    await heed(train('again', '--max-steps', '2', '-q'));
    const forced = await heed(train('again', '--force', '--json'));
    expect([forced.code, stepsOf(forced)]).toEqual([0, [1, 2, 3, 4, 5, 6, 7, 8]]);
  });
  it('refuses what will not fit before it begins', async () => {
    const { code, err } = await heed([
      ...['train', '--data', at('text.txt'), '--out', at('huge'), '--vocab-size', '300'],
      ...['--layers', '40', '--width', '4096', '--heads', '32'],
    ]);
    expect(code).toBe(1);
    expect(err.replace(/\s+/g, ' ')).toMatch(
      /the run does not fit into memory seen: 64\.\d GB: .* to do: a smaller model/,
    );
  });
  it('says nothing when it is to be quiet', async () => {
    const { code, out, err } = await heed(train('quiet', '-q', '--max-steps', '1'));
    expect([code, out, err]).toEqual([0, '', '']);
  });
  it('learns characters as tokens, without a validation if none is wanted', async () => {
    const run = await heed([
      ...['train', '--data', at('text.txt'), '--out', at('characters'), ...TINY, '--json'],
      ...['--tokenizer-type', 'characters', '--max-steps', '1', '--eval-fraction', '0'],
    ]);
    expect(run.code).toBe(0);
    const { model } = JSON.parse(await readFile(at('characters', 'tokenizer.json'), 'utf8'));
    const known = Object.keys(model.vocab).filter(token => token.length === 1);
    expect(known.sort().join('')).toBe([...new Set(text(200))].sort().join(''));
    expect(run.events[0]).toMatchObject({ data: { tokens: text(200).length } });
    expect(run.events.map(({ type }) => type)).not.toContain('validation');
  });
});

describe('heed finetune', () => {
  const finetune = (out: string, ...more: string[]) => [
    ...['finetune', at('base'), '--data', at('text.txt'), '--out', at(out), '--batch-size', '4', '--max-steps', '3'],
    ...more,
  ];
  it('writes an adapter that runs, goes on after a stop, and leaves the model as it is', async () => {
    const model = await bytes('base', 'model.safetensors');
    const whole = await heed(finetune('lora', '--lora', '4', '--json'));
    expect(whole.code, whole.err).toBe(0);
    expect(await readdir(at('lora'))).toEqual(
      expect.arrayContaining(['adapter_config.json', 'adapter_model.safetensors']),
    );
    expect(JSON.parse(await readFile(at('lora', 'adapter_config.json'), 'utf8'))).toMatchObject({
      r: 4,
      lora_alpha: 8,
    });
    expect(whole.events.find(({ type }) => type === 'start')).toMatchObject({ step: 0, totalSteps: 3 });
    const stopped = await heed(finetune('lora2', '--lora', '4', '--json'), { stopAt: 1 });
    expect(stopped.code).toBe(130);
    const rest = await heed(['finetune', '--resume', at('lora2'), '--json']);
    expect([rest.code, stepsOf(rest)]).toEqual([0, [2, 3]]);
    expect(await bytes('lora2', 'adapter_model.safetensors')).toEqual(await bytes('lora', 'adapter_model.safetensors'));
    expect(await bytes('base', 'model.safetensors')).toEqual(model);
    expect((await heed(['run', at('lora'), 'The dog', '-n', '2'])).code).toBe(0);
  });
  it('changes nothing but the parameters that were named', async () => {
    expect((await heed(finetune('only', '--only', 'ln_f', '--learning-rate', '0.1', '-q'))).code).toBe(0);
    const changed = await changedTensors(at('base', 'model.safetensors'), at('only', 'model.safetensors'));
    expect(changed).toEqual(['transformer.ln_f.bias', 'transformer.ln_f.weight']);
  });
  it('learns completions from a table of prompts', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `The dog sees ${i},the bird.\n`);
    await writeFile(at('pairs.csv'), `prompt,completion\n${rows.join('')}`);
    const run = await heed([
      ...['finetune', at('base'), '--data', at('pairs.csv'), '--out', at('pairs'), '--max-steps', '2', '--json'],
    ]);
    expect([run.code, run.events[0]], run.err).toEqual([0, expect.objectContaining({ objective: 'completion' })]);
  });
  it('goes on with an adapter, which stays one', async () => {
    const more = ['--data', at('text.txt'), '--max-steps', '2', '-q'];
    await heed(['finetune', at('base'), ...more, '--lora', '2', '--out', at('first')]);
    expect(await heed(['finetune', at('first'), ...more, '--out', at('second')])).toMatchObject({ code: 0, err: '' });
    const [first, second] = await Promise.all(
      ['first', 'second'].map(name => bytes(name, 'adapter_model.safetensors')),
    );
    expect(second!.length).toBe(first!.length);
    expect(second!.equals(first!)).toBe(false);
  });
  it('puts a classifier on top, with the classes that the data names, also beside an adapter', async () => {
    const rows = Array.from(
      { length: 40 },
      (_, i) => `${i % 2 ? 'cats' : 'dogs'},The ${i % 2 ? 'cat' : 'dog'} ${i}.\n`,
    );
    await writeFile(at('classes.csv'), `label,text\n${rows.join('')}`);
    const classify = (out: string, ...more: string[]) => [
      ...['finetune', at('base'), '--data', at('classes.csv'), '--objective', 'classification', '--out', at(out)],
      ...['--max-steps', '2', '-q', ...more],
    ];
    expect(await heed(classify('classes'))).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(await readFile(at('classes', 'config.json'), 'utf8'))).toMatchObject({
      architectures: ['GPT2ForSequenceClassification'],
      id2label: { 0: 'cats', 1: 'dogs' },
    });
    expect(await heed(classify('classes-lora', '--lora'))).toMatchObject({ code: 0, err: '' });
    const adapter = await bytes('classes-lora', 'adapter_model.safetensors');
    expect(adapter.toString('latin1')).toContain('base_model.model.score.weight');
  });
  it('says what to do when there is nothing to hold back for validation', async () => {
    await writeFile(at('pair.csv'), 'prompt,completion\nThe dog sees,the bird.\n');
    const run = await heed(['finetune', at('base'), '--data', at('pair.csv'), '--out', at('pair')]);
    expect(run.code).toBe(1);
    expect(run.err.replace(/\s+/g, ' ')).toMatch(/no example was drawn for validation .* --eval-fraction 0 for none/);
  });
  it.each([
    [['finetune', '--data', 'text.txt', '--out', 'x'], 2, 'MODEL is missing'],
    [finetuneWrong('--dora'), 2, '--dora is about an adapter: add --lora'],
    [finetuneWrong('--lora', '4', '--only', 'ln'), 2, 'leave one of them out'],
    [finetuneWrong('--objective', 'masked-lm'), 1, 'the model cannot learn masked-lm'],
    [finetuneWrong('--objective', 'classification'), 1, 'no row of the data has a class'],
    [finetuneWrong('--learning-rate', '1', '--warmup-ratio', '3'), 1, '--warmup-ratio 3 is not a number from 0 to 1'],
    [finetuneWrong('--region', 'Atlantis'), 1, 'this region is not in the table'],
  ])('%j is refused', async (argv, code, message) => {
    const inFolder = argv.map(word => (['text.txt', 'base', 'x'].includes(word) ? at(word) : word));
    const { code: seen, err } = await heed(inFolder);
    expect([seen, err.replace(/\s+/g, ' ')]).toEqual([code, expect.stringContaining(message)]);
  });
});
function finetuneWrong(...more: string[]): string[] {
  return ['finetune', 'base', '--data', 'text.txt', '--out', 'x', ...more];
}

/** Names of the tensors that differ between two safetensors files of equal layout. */
async function changedTensors(first: string, second: string): Promise<string[]> {
  const [a, b] = [await readFile(first), await readFile(second)];
  const header = 8 + Number(a.readBigUInt64LE(0));
  const entries = JSON.parse(a.subarray(8, header).toString()) as Record<string, { data_offsets: [number, number] }>;
  expect(JSON.parse(b.subarray(8, header).toString())).toEqual(entries);
  return Object.entries(entries)
    .filter(([name]) => name !== '__metadata__')
    .filter(
      ([
        ,
        {
          data_offsets: [from, to],
        },
      ]) => !a.subarray(header + from, header + to).equals(b.subarray(header + from, header + to)),
    )
    .map(([name]) => name)
    .sort();
}
