/** Training tokenizers: 8000 byte-level BPE tokens, WordPiece and Unigram pieces from ten megabytes of text, and the parts of it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { countWords, TRAINABLE_TYPES, trainTokenizer } from '../src/tokenizers/index.ts';
import type { Row } from './table.ts';
import { summarize } from './timing.ts';

const at = (path: string) => new URL(path, import.meta.url).pathname;
/** Texts of different languages where they are at hand, else the documents of the repository, repeated. */
const CORPORA = ['tinyshakespeare', 'german-literature', 'wikitext-2', 'multi30k-de-en'].map(n =>
  at(`../../shared/datasets/${n}`),
);
const OWN = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'].map(n => at(`../${n}`));
const CHARACTERS = 10_000_000;

function corpus(): string[] {
  const files = CORPORA.filter(f => existsSync(f)).flatMap(folder =>
    readdirSync(folder)
      .filter(name => /\.(txt|de|en)$/.test(name))
      .map(name => `${folder}/${name}`),
  );
  const text = (files.length ? files : OWN).map(f => readFileSync(f, 'utf8')).join('\n');
  const repeated = text.repeat(Math.ceil(CHARACTERS / text.length)).slice(0, CHARACTERS);
  return repeated.split(/(?<=\n)/);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export async function trainTokenizers(): Promise<Row[]> {
  const lines = corpus();
  const rows: Row[] = [];
  const megabytes = CHARACTERS / 1e6;
  const read = summarize([await timed(() => countWords(lines)), await timed(() => countWords(lines))]).min;
  rows.push({ training: 'counting lines', ms: read, 'MB/s': (1000 * megabytes) / read });
  for (const type of TRAINABLE_TYPES) {
    const { min } = summarize([await timed(() => trainTokenizer(lines, { type, vocabSize: 8000 }))]);
    rows.push({ training: `${type}, 8000 tokens`, ms: min, 'MB/s': (1000 * megabytes) / min });
  }
  return rows;
}
