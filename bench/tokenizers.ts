/** Tokenizer throughput on prose, on code and on what is hard: text without any cut, and long runs of one character. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { loadTokenizer } from '../src/tokenizers/index.ts';
import type { Row } from './table.ts';
import { interleave } from './timing.ts';

const at = (path: string) => new URL(path, import.meta.url).pathname;
/** Real vocabularies where they are at hand, else the small ones of the repository. */
const CANDIDATES = ['gpt2', 'llama3', 'o200k_base', 'llama2'].map(n => at(`../../shared/tokenizers/${n}`));
const OWN = ['llama3-style', 'o200k-style', 'llama2-style'].map(n => at(`../test/tokenizers/data/${n}`));
const BYTES = 1 << 20;

/** About a megabyte made of a text repeated. */
const repeated = (text: string) => text.repeat(Math.ceil(BYTES / text.length)).slice(0, BYTES);
function texts(): Record<string, string> {
  const code = readdirSync(at('../src/tensor'))
    .filter(f => f.endsWith('.ts'))
    .map(f => readFileSync(at(`../src/tensor/${f}`), 'utf8'))
    .join('\n');
  const corpus = at('../../shared/datasets/tinyshakespeare');
  const prose = existsSync(corpus)
    ? readdirSync(corpus)
        .filter(f => f.endsWith('.txt'))
        .map(f => readFileSync(`${corpus}/${f}`, 'utf8'))
        .join('\n')
    : ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'].map(f => readFileSync(at(`../${f}`), 'utf8')).join('\n');
  const uncut = prose.replace(/[^A-Za-z]/g, '').toLowerCase();
  return {
    prose: repeated(prose),
    code: repeated(code),
    uncut: repeated(uncut),
    spaces: repeated(' '),
    'one letter': repeated('a'),
  };
}

export async function tokenizers(): Promise<Row[]> {
  const rows: Row[] = [];
  const folders = CANDIDATES.filter(f => existsSync(f));
  for (const folder of folders.length ? folders : OWN.filter(f => existsSync(f))) {
    const start = performance.now();
    const tokenizer = await loadTokenizer(folder);
    const loadMs = performance.now() - start;
    const samples = texts();
    const times = await interleave(
      Object.fromEntries(
        Object.entries(samples).map(([name, text]) => [
          name,
          () => void tokenizer.encodeIds(text, { addSpecialTokens: false }),
        ]),
      ),
      { seconds: 0.5, atLeast: 2 },
    );
    const rate = Object.fromEntries(
      Object.keys(samples).map(name => [`${name} MB/s`, BYTES / 1000 / times[name]!.min]),
    );
    rows.push({ tokenizer: folder.split('/').at(-1)!, 'load ms': loadMs, ...rate });
  }
  return rows;
}
