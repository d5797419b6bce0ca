/** Texts to time tokenizers on, from the shared data where it is at hand, else from what the repository has. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const at = (path: string) => new URL(path, import.meta.url).pathname;

/** A text repeated up to a length in code units. */
export const repeated = (text: string, length: number) => text.repeat(Math.ceil(length / text.length)).slice(0, length);

/** The `.txt` files of a folder of the shared data, or undefined where it is not at hand. */
function corpus(name: string): string | undefined {
  const folder = at(`../../shared/datasets/${name}`);
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder).filter(f => f.endsWith('.txt'));
  return files.map(f => readFileSync(`${folder}/${f}`, 'utf8')).join('\n');
}

/** Log lines, the same ones every time. */
function logLines(length: number): string {
  let seed = 1;
  const next = () => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff);
  let text = '';
  while (text.length < length)
    text += `2024-01-${next() % 31} ${next() % 24}:${next() % 60} ${next()} ${next() / 1e6}\n`;
  return text;
}

/** The library's own source. */
function sources(folder: string): string {
  return readdirSync(folder, { withFileTypes: true })
    .map(entry => {
      if (entry.isDirectory()) return sources(`${folder}/${entry.name}`);
      // Some tokenizers refuse a text that names a control token.
      return entry.name.endsWith('.ts') ? readFileSync(`${folder}/${entry.name}`, 'utf8').replaceAll('<|', '<') : '';
    })
    .join('\n');
}

/** What people and programs write, `length` code units each. */
export function usualTexts(
  length: number,
): Readonly<Record<'prose' | 'code' | 'german' | 'digits' | 'one line', string>> {
  const prose =
    corpus('tinyshakespeare') ??
    ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'].map(f => readFileSync(at(`../${f}`), 'utf8')).join('\n');
  const german = corpus('german-literature') ?? 'Größere Häuser über der Straße, schön wie früher.\n';
  return {
    prose: repeated(prose, length),
    code: repeated(sources(at('../src')), length),
    german: repeated(german, length),
    digits: repeated(logLines(Math.min(length, 1 << 20)), length),
    'one line': repeated(prose.replaceAll('\n', ' '), length),
  };
}
