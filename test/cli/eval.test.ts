/** `heed eval` from its arguments to the table, the page and the comparison. */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
// What the command loads when it is called is loaded here, so that no test waits for it.
import '../../src/backends/wasm/index.ts';
import '../../src/cli/commands/eval.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { readReport } from '../../src/evaluate/index.ts';
import { fakeTerminal } from './fake-terminal.ts';

const data = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const TASKS = data('evaluate/data/tasks');
let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-eval-'));
  await mkdir(at('model'));
  for (const file of ['config.json', 'model.safetensors'])
    await copyFile(join(data('golden/data/gpt2'), file), join(at('model'), file));
  await copyFile(data('evaluate/data/decoder-tokenizer.json'), join(at('model'), 'tokenizer.json'));
  const roles = { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>' };
  await writeFile(join(at('model'), 'tokenizer_config.json'), JSON.stringify(roles));
  await writeFile(at('text.txt'), 'the dog runs and the cat sleeps.\nthe man eats bread in the house.\n'.repeat(6));
  const pair = (good: string, bad: string) =>
    JSON.stringify({ sentence_good: good, sentence_bad: bad, UID: good.split(' ')[1] });
  await writeFile(at('pairs.jsonl'), `${pair('the dog runs', 'dog the runs')}\n${pair('a cat sees', 'cat a sees')}\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function heed(...argv: readonly string[]) {
  const terminal = fakeTerminal();
  const code = await runCli(['eval', ...argv, '--threads', '0'], terminal, new AbortController().signal);
  return { code, out: terminal.out(), err: terminal.err() };
}

describe('heed eval', () => {
  it('shows figures with intervals, and writes reports', async () => {
    const asked = [
      '--tasks',
      `${TASKS}/choice.yaml,${TASKS}/answer.yaml`,
      '--perplexity',
      at('text.txt'),
      '--minimal-pairs',
      at('pairs.jsonl'),
    ];
    const first = await heed(
      at('model'),
      ...asked,
      '--bootstrap',
      '50',
      '-o',
      at('a.json'),
      '-o',
      at('a.html'),
      '-o',
      at('a.md'),
    );
    expect(first).toMatchObject({ code: 0 });
    expect(first.out).toMatch(/choice +acc +33\.3 % +18\.0 % … 53\.3 % +24/);
    expect(first.out).toMatch(/answer +perplexity/);
    expect(first.out).toMatch(/text\.txt +token_perplexity/);
    expect(first.out).toMatch(/pairs\.jsonl by UID/);
    const report = readReport(await readFile(at('a.json'), 'utf8'));
    expect(report.tasks.map(({ count }) => count)).toEqual([24, 8, 1, 2]);
    expect(report.tasks[2]!.figures.map(({ metric }) => metric)).toContain('bits_per_byte');
    expect(await readFile(at('a.html'), 'utf8')).toMatch(/^<!doctype html><html lang="en">/);
    expect(await readFile(at('a.md'), 'utf8')).toContain('| choice | acc | 33.3 %');
  });

  it('compares with a report, in German', async () => {
    const asked = ['--tasks', `${TASKS}/shots.yaml`, '--limit', '4', '--bootstrap', '20'];
    expect((await heed(at('model'), ...asked, '-o', at('b.json'))).code).toBe(0);
    const { out } = await heed(at('model'), ...asked, '--compare', at('b.json'), '--lang', 'de');
    expect(out).toMatch(/Vergleich/);
    expect(out).toMatch(/shots +acc +(\S+ %) +\1 +0,0 %/);
    expect(out).toMatch(/McNemars Test/);
  });

  it('writes JSON for programs', async () => {
    const { out } = await heed(at('model'), '--tasks', `${TASKS}/shots.yaml`, '--limit', '3', '--json');
    expect((JSON.parse(out) as { tasks: { count: number }[] }).tasks[0]!.count).toBe(3);
  });

  it.each([
    [[], 2, /nothing to ask/],
    [['--perplexity', 'x.txt', '--out', 'a.pdf'], 2, /\.html, \.md or \.json/],
    [['--tasks', 'nosuch.yaml'], 1, /no such task file.*\n.*nosuch\.yaml/],
    [['--perplexity', 'nosuch.txt'], 1, /no such file[\s\S]*nosuch.txt/],
    [['--tasks', `${TASKS}/choice.yaml`, '--data-dir', 'nosuch'], 1, /no such data file[\s\S]*--data-dir/],
    [['--perplexity', 'x.txt', '--compare', 'nosuch.json'], 1, /no such report/],
  ])('says what is wrong with %j', async (argv, code, message) => {
    const found = await heed(at('model'), ...argv);
    expect(found.code).toBe(code);
    expect(found.err).toMatch(message);
    expect(found.err).not.toMatch(/mistake in heed|\n {4}at /);
  });

  it('reads no file outside of the folder of the data', async () => {
    const fields = 'task: x\noutput_type: loglikelihood_rolling\ndoc_to_target: text\ndataset_path: text\n';
    await writeFile(at('x.yaml'), `${fields}dataset_kwargs: {data_files: ../../secret.txt}\n`);
    expect((await heed(at('model'), '--tasks', at('x.yaml'))).err).toMatch(/outside of its folder/);
    await writeFile(at('y.yaml'), 'include: ../base.yaml\ntask: y\n');
    expect((await heed(at('model'), '--tasks', at('y.yaml'))).err).toMatch(/outside of its folder/);
  });
});
