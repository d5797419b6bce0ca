/**
 * Tokenizer throughput on prose, code, German and numbers, on what is hard (one long line, text without any cut, long runs of
 * one character), and how the time per byte grows with the length of the text.
 */
import { existsSync } from 'node:fs';
import { loadTokenizer } from '../src/tokenizers/index.ts';
import type { Row } from './table.ts';
import { repeated, usualTexts } from './texts.ts';
import { interleave } from './timing.ts';

const at = (path: string) => new URL(path, import.meta.url).pathname;
/** Real vocabularies where they are at hand, else the small ones of the repository. */
const CANDIDATES = ['gpt2', 'llama3', 'o200k_base', 'llama2', 'bert-base-uncased'].map(n =>
  at(`../../shared/tokenizers/${n}`),
);
const OWN = ['llama3-style', 'o200k-style', 'llama2-style', 'bert-uncased-style'].map(n =>
  at(`../test/tokenizers/data/${n}`),
);
const UNITS = 1 << 20;

function texts(): Record<string, string> {
  const usual = usualTexts(UNITS);
  return {
    ...usual,
    uncut: repeated(usual.prose.replace(/[^A-Za-z]/g, '').toLowerCase(), UNITS),
    spaces: repeated(' ', UNITS),
    'one letter': repeated('a', UNITS),
  };
}

/** Nanoseconds per code unit of texts of different lengths, every length over as much text as the longest. */
async function growth(encode: (text: string) => void, text: string): Promise<Row> {
  const whole = text.repeat(Math.ceil(10e6 / text.length)).slice(0, 10e6);
  const run = (length: number) => () => {
    for (let from = 0; from < 2e6; from += length) encode(whole.slice(from, from + length));
  };
  const lengths = { '1 KB': 1e3, '100 KB': 1e5, '10 MB': 10e6 };
  const times = await interleave(
    { '1 KB': run(1e3), '100 KB': run(1e5), '10 MB': run(10e6) },
    { seconds: 0.5, atLeast: 2 },
  );
  return Object.fromEntries(
    Object.entries(lengths).map(([name, length]) => [
      `ns at ${name}`,
      (times[name as keyof typeof lengths].min * 1e6) / Math.max(2e6, length),
    ]),
  );
}

export async function tokenizers(): Promise<Row[]> {
  const rows: Row[] = [];
  const samples = texts();
  const bytes = Object.fromEntries(Object.entries(samples).map(([name, text]) => [name, Buffer.byteLength(text)]));
  const folders = CANDIDATES.filter(f => existsSync(f));
  for (const folder of folders.length ? folders : OWN.filter(f => existsSync(f))) {
    const start = performance.now();
    const tokenizer = await loadTokenizer(folder);
    const loadMs = performance.now() - start;
    const encode = (text: string) => void tokenizer.encodeIds(text, { addSpecialTokens: false });
    const times = await interleave(
      Object.fromEntries(Object.entries(samples).map(([name, text]) => [name, () => encode(text)])),
      { seconds: 0.5, atLeast: 2 },
    );
    const rate = Object.fromEntries(
      Object.keys(samples).map(name => [`${name} MB/s`, bytes[name]! / 1000 / times[name]!.min]),
    );
    rows.push({
      tokenizer: folder.split('/').at(-1)!,
      'load ms': loadMs,
      ...rate,
      ...(await growth(encode, samples.prose!)),
    });
  }
  return rows;
}
