/**
 * `npm run bench:peers [-- VOCABULARY ...] [--megabytes N] [--turns N] [--json]`: heed's built tokenizers against others, the
 * same texts and vocabularies in one run, in turns; `npm run bench:peers -- llama [FILE ...] [--turns N] [--json]`: quantised
 * models against llama.cpp, the same files in one run, in turns; `npm run bench:peers -- train [--turns N] [--json]`: a step of training
 * against jax-js. Installs the others in this folder when they are missing; the project
 * itself never does. What each is asked for stands in engines.mjs.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { inChild } from '../child.ts';
import { load, machine } from '../engine.ts';
import { printTable, type Row } from '../table.ts';
import { usualTexts } from '../texts.ts';
import { interleave, summarize } from '../timing.ts';
import { type PeerVocabulary, peerVocabularies } from './vocabularies.ts';

type Encode = (text: string) => ArrayLike<number> | Promise<ArrayLike<number>>;
type Engines = Record<string, () => Promise<(vocabulary: PeerVocabulary) => Promise<Encode | undefined>>>;

/** What there is to choose besides vocabularies. */
const MODELS: Readonly<
  Record<string, () => Promise<(files: string[], turns: number, json: boolean) => Promise<void>>>
> = {
  llama: async () => (await import('./llama/run.ts')).llamaPeers,
  wllama: async () => (await import('./llama/wllama.ts')).wllamaPeers,
};
const TRAIN = 'train';

const at = (path: string) => new URL(path, import.meta.url).pathname;
/** Fresh processes that load each vocabulary. */
const LOADS = 5;

/** @param folder of the package that names the peers */
function prepare(folder: string): void {
  if (!existsSync(at(`${folder}/node_modules`))) {
    console.log(`installing the peers into ${folder}/node_modules ...`);
    // Not `npm ci`, which refuses a lock without the binaries of platforms that a registry lacks.
    execFileSync('npm', ['install', '--ignore-scripts', '--no-save'], { cwd: at(folder), stdio: 'inherit' });
  }
  const { status } = spawnSync('npm', ['run', 'build', '--silent'], { cwd: at('../..'), stdio: 'inherit' });
  if (status !== 0) throw new Error('heed cannot be built');
}

/** The first place where two lists of ids differ, or -1. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) if (a[i] !== b[i]) return i;
  return -1;
}

/** Throughput on each text, after a look at the ids. */
async function speed(
  vocabulary: PeerVocabulary,
  engines: Engines,
  texts: Record<string, string>,
  turns: number,
): Promise<Row[]> {
  const encoders: Record<string, Encode> = {};
  for (const [name, importCode] of Object.entries(engines)) {
    const encode = await (await importCode())(vocabulary);
    if (encode) encoders[name] = encode;
  }
  const rows: Row[] = [];
  for (const [name, text] of Object.entries(texts)) {
    const bytes = Buffer.byteLength(text);
    const own = await encoders.heed!(text);
    const differs: Record<string, number> = {};
    for (const [engine, encode] of Object.entries(encoders)) {
      const place = difference(own, await encode(text));
      if (place >= 0) differs[engine] = place;
    }
    const run = (encode: Encode) => async () => void (await encode(text));
    const times = await interleave(
      Object.fromEntries(Object.entries(encoders).map(([engine, encode]) => [engine, run(encode)])),
      { seconds: 0, atLeast: turns },
    );
    for (const [engine, { min, median }] of Object.entries(times))
      rows.push({
        vocabulary: vocabulary.name,
        text: name,
        engine,
        'MB/s best': bytes / 1000 / min,
        'MB/s median': bytes / 1000 / median,
        "heed's ratio": min / times.heed!.min,
        ids: differs[engine] === undefined ? 'equal' : `differ at ${differs[engine]}`,
      });
  }
  return rows;
}

interface LoadRun {
  readonly importMs: number;
  readonly ms?: number;
  readonly kept: number;
  readonly rss: number;
}

/** In fresh processes: the time to import the code, the time from a vocabulary to the first ids, and the memory that stays. */
async function loading(vocabulary: PeerVocabulary, engines: Engines): Promise<Row[]> {
  const runs: Record<string, LoadRun[]> = {};
  for (let turn = 0; turn < LOADS; turn++)
    for (const engine of Object.keys(engines)) {
      const run = await inChild<LoadRun>('./peers/load-run.mjs', engine, JSON.stringify(vocabulary));
      if (run.ms !== undefined) (runs[engine] ??= []).push(run);
    }
  const megabytes = statSync(vocabulary.file).size / 1e6;
  return Object.entries(runs).map(([engine, list]) => {
    const { min, median } = summarize(list.map(run => run.ms!));
    const least = (pick: (run: LoadRun) => number) => Math.min(...list.map(pick)) / 1e6;
    const kept = least(run => run.kept);
    return {
      vocabulary: vocabulary.name,
      engine,
      'import ms': Math.min(...list.map(run => run.importMs)),
      'ms best': min,
      'ms median': median,
      'file MB': megabytes,
      'heap and buffers MB': kept,
      'times the file': kept / megabytes,
      'whole process MB': least(run => run.rss),
    };
  });
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { megabytes: { type: 'string' }, turns: { type: 'string' }, json: { type: 'boolean' } },
});
const [megabytes, turns] = [Number(values.megabytes ?? 10), Number(values.turns ?? 3)];
if (!(megabytes > 0) || !(turns >= 1)) {
  console.error(
    'usage: npm run bench:peers [-- VOCABULARY ... | llama FILE ... | wllama FILE ... | train] [--megabytes N] [--turns N] [--json]',
  );
  process.exit(2);
}
const json = values.json ?? false;
const head = () =>
  console.log(json ? JSON.stringify({ machine: machine(), load: load() }) : `${machine()}\nload average ${load()}`);
const [first = '', ...others] = positionals;
const models = Object.hasOwn(MODELS, first) ? MODELS[first] : undefined;
if (models) {
  prepare('./llama');
  head();
  await (await models())(others, turns, json);
  process.exit(0);
}
if (positionals[0] === TRAIN) {
  prepare(`./${TRAIN}`);
  head();
  const { trainPeers } = await import('./train/run.ts');
  await trainPeers(turns, json);
  process.exit(0);
}
prepare('.');
const { ENGINES } = (await import(at('engines.mjs'))) as { ENGINES: Engines };
const { vocabularies, cleanUp } = peerVocabularies();
const chosen = vocabularies.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const texts = usualTexts(megabytes * 1e6);
head();
try {
  for (const vocabulary of chosen) printTable(`loading ${vocabulary.name}`, await loading(vocabulary, ENGINES), json);
  for (const vocabulary of chosen)
    printTable(`speed with ${vocabulary.name}, ${megabytes} MB`, await speed(vocabulary, ENGINES, texts, turns), json);
} finally {
  cleanUp();
}
console.log(json ? JSON.stringify({ load: load() }) : `\nload average ${load()}`);
