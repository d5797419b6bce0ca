/**
 * Tokenizer throughput on prose, code, German and numbers, on what is hard (one long line, text without any cut, long runs of
 * one character), and how the time per byte grows with the length of the text.
 */
import { existsSync } from 'node:fs';
import { loadTokenizer, type Tokenizer } from '../src/tokenizers/index.ts';
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

function texts(units: number): Record<string, string> {
  const usual = usualTexts(units);
  return {
    ...usual,
    uncut: repeated(
      usual.prose
        .slice(0, UNITS)
        .replace(/[^A-Za-z]/g, '')
        .toLowerCase(),
      units,
    ),
    spaces: repeated(' ', units),
    'one letter': repeated('a', units),
  };
}

const folders = () => {
  const shared = CANDIDATES.filter(f => existsSync(f));
  return shared.length ? shared : OWN.filter(f => existsSync(f));
};
const nameOf = (folder: string) => folder.split('/').at(-1)!;
const encoderOf = (tokenizer: Tokenizer) => (text: string) =>
  void tokenizer.encodeIds(text, { addSpecialTokens: false });

/** Throughput on texts of a megabyte. */
export async function tokenizers(): Promise<Row[]> {
  const rows: Row[] = [];
  const samples = texts(UNITS);
  const bytes = Object.fromEntries(Object.entries(samples).map(([name, text]) => [name, Buffer.byteLength(text)]));
  for (const folder of folders()) {
    const start = performance.now();
    const tokenizer = await loadTokenizer(folder);
    const loadMs = performance.now() - start;
    const encode = encoderOf(tokenizer);
    const times = await interleave(
      Object.fromEntries(Object.entries(samples).map(([name, text]) => [name, () => encode(text)])),
      { seconds: 0.5, atLeast: 2 },
    );
    const rate = Object.fromEntries(
      Object.keys(samples).map(name => [`${name} MB/s`, bytes[name]! / 1000 / times[name]!.min]),
    );
    rows.push({ tokenizer: nameOf(folder), 'load ms': loadMs, ...rate });
  }
  return rows;
}

/** Nanoseconds per code unit of texts of different lengths, every length over as much text at a time. */
export async function tokenizerGrowth(): Promise<Row[]> {
  const rows: Row[] = [];
  const samples = texts(10e6);
  const lengths = { '1 KB': 1e3, '100 KB': 1e5, '10 MB': 10e6 };
  for (const folder of folders()) {
    const encode = encoderOf(await loadTokenizer(folder));
    for (const [name, text] of Object.entries(samples)) {
      const run = (length: number) => () => {
        for (let from = 0; from < Math.max(2e6, length); from += length) encode(text.slice(from, from + length));
      };
      const times = await interleave(
        { '1 KB': run(lengths['1 KB']), '100 KB': run(lengths['100 KB']), '10 MB': run(lengths['10 MB']) },
        { seconds: 0.3, atLeast: 2 },
      );
      const each = Object.entries(lengths).map(
        ([length, units]) =>
          [length, (times[length as keyof typeof lengths].min * 1e6) / Math.max(2e6, units)] as const,
      );
      const nanoseconds = each.map(([, ns]) => ns);
      rows.push({
        tokenizer: nameOf(folder),
        text: name,
        ...Object.fromEntries(each.map(([length, ns]) => [`ns at ${length}`, ns])),
        'most / least': Math.max(...nanoseconds) / Math.min(...nanoseconds),
      });
    }
  }
  return rows;
}
