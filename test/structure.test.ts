/** The rules that keep the house in order: layers, file lengths, names, exports, no foreign traces, package size. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
function filesBelow(folder: string, ending: RegExp): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return ['node_modules', 'data', '.git'].includes(entry.name) ? [] : filesBelow(path, ending);
    return ending.test(entry.name) ? [path] : [];
  });
}
const source = filesBelow(join(ROOT, 'src'), /\.ts$/);
const all = [...source, ...['kleinwelt', 'test', 'bench', 'examples'].flatMap(f => filesBelow(join(ROOT, f), /\.ts$/))];
const nameOf = (file: string) => relative(ROOT, file);

/** Lowest first. A file imports from its own folder and from lower rows only. */
const LAYERS = [
  ['errors'],
  ['util'],
  ['tensor'],
  ['backends', 'tokenizers', 'formats', 'preprocess'],
  ['nn'],
  ['models'],
  ['generate', 'train', 'evaluate', 'explain'],
  ['hub', 'catalogue', 'providers'],
  ['tasks'],
  ['index'],
  ['transformers', 'ai-sdk'],
  ['server', 'cli'],
];
const folderOf = (file: string) => relative(join(ROOT, 'src'), file).split('/')[0]!.replace(/\.ts$/, '');
const levelOf = (folder: string) => LAYERS.findIndex(row => row.includes(folder));

/** Files that the registry names: one per architecture. */
function modelFiles(): string[] {
  const registry = readFileSync(join(ROOT, 'src/models/index.ts'), 'utf8');
  return [...new Set([...registry.matchAll(/import\('\.\/([^']+)'\)/g)].map(([, file]) => file!))];
}
/** Equal lines of computation that two model files may have in a row. */
const FEW_LINES = 5;
/** Lines of a model file that compute: no comments, imports, types, config, parameter declarations, function heads. */
function computation(source: string): string[] {
  const declaration =
    /^(import |(export )?(interface|type) |(export )?const [A-Z]|(export )?(const|function) config\b)/;
  const kept: string[] = [];
  let inside = '';
  for (const line of source.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '').split('\n')) {
    if (declaration.test(line)) inside = 'declaration';
    else if (/^(export )?function .*\($/.test(line)) inside = 'head';
    else if (/^[^\s)}\]]/.test(line)) inside = '';
    if (!inside && /\w/.test(line)) kept.push(line.trim());
    if ((inside === 'head' && /^\).*\{$/.test(line)) || (inside && /^(\S.*;|\}.*)$/.test(line))) inside = '';
  }
  return kept;
}
/** The longest run of lines that both have. */
function longestRun(a: readonly string[], b: readonly string[]): string[] {
  let [most, end] = [0, 0];
  let before = new Int32Array(b.length + 1);
  for (const [i, line] of a.entries()) {
    const row = new Int32Array(b.length + 1);
    for (let j = 0; j < b.length; j++)
      if (line === b[j]) {
        row[j + 1] = before[j]! + 1;
        if (row[j + 1]! > most) [most, end] = [row[j + 1]!, i + 1];
      }
    before = row;
  }
  return a.slice(end - most, end);
}

describe('structure', () => {
  it('has a layer for every folder of src', () => {
    expect(source.map(folderOf).filter(f => levelOf(f) < 0)).toEqual([]);
  });
  it('imports downwards only', () => {
    const wrong: string[] = [];
    for (const file of source.filter(f => !f.endsWith('.test.ts')))
      for (const [, target] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
        const to = resolve(dirname(file), target!);
        const [own, other] = [folderOf(file), folderOf(to)];
        // Below a file of the sentencepiece format lie only bytes, so tokenizers may read it; both are on one row.
        const siblings = own === 'tokenizers' && other === 'formats';
        if (own !== other && !siblings && levelOf(other) >= levelOf(own))
          wrong.push(`${nameOf(file)} -> ${nameOf(to)}`);
      }
    expect(wrong).toEqual([]);
  });
  it('keeps a model file free of other model files', () => {
    const models = modelFiles();
    const wrong = models.flatMap(file =>
      [...readFileSync(join(ROOT, 'src/models', file), 'utf8').matchAll(/from '\.\/([^']+)'/g)]
        .filter(([, target]) => models.includes(target!))
        .map(([, target]) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
    expect(models.length).toBeGreaterThan(1);
  });
  it('copies no computation from one model file to another', () => {
    const files = modelFiles();
    const code = files.map(file => computation(readFileSync(join(ROOT, 'src/models', file), 'utf8')));
    const copied: string[] = [];
    for (const [i, a] of files.entries())
      for (const [j, b] of files.entries()) {
        const run = j > i ? longestRun(code[i]!, code[j]!) : [];
        if (run.length > FEW_LINES) copied.push(`${a} and ${b}:\n  ${run.join('\n  ')}`);
      }
    expect(copied, copied.join('\n')).toEqual([]);
  });
  it('keeps a model file short enough to read like its paper', () => {
    const lengths = modelFiles().map(
      file => [file, readFileSync(join(ROOT, 'src/models', file), 'utf8').split('\n').length] as const,
    );
    expect(lengths.filter(([, n]) => n > 300)).toEqual([]);
  });
  it('names no model family in shared code', () => {
    const shared = source.filter(
      f => ['tensor', 'backends', 'nn', 'generate'].includes(folderOf(f)) && !f.endsWith('.test.ts'),
    );
    const code = (f: string) =>
      readFileSync(f, 'utf8')
        .replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
        .replace(/'[^'\n]*'|`[^`]*`/g, "''");
    expect(
      shared
        .filter(f => /\b(gpt2?|llama|mistral|bert|bart)\b/i.test(code(f).replace(/LLAMA_CPP_ORDER/g, '')))
        .map(nameOf),
    ).toEqual([]);
  });
  it('has no file above 600 lines, and few above 400', () => {
    const lengths = all.map(f => [nameOf(f), readFileSync(f, 'utf8').split('\n').length] as const);
    expect(lengths.filter(([, n]) => n > 600)).toEqual([]);
    expect(lengths.filter(([, n]) => n > 400).length).toBeLessThanOrEqual(5);
  });
  it('names files in kebab-case after what is in them', () => {
    const bad = all
      .map(f => f.split('/').at(-1)!)
      .filter(
        n => !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|d))?\.ts$/.test(n) || /^(utils?|helpers?|common)\b/.test(n),
      );
    expect(bad).toEqual([]);
  });
  it('starts every file with what it is', () => {
    const silent = all.filter(
      f =>
        !f.endsWith('.test.ts') &&
        !/^((#!|\/\/\/ <reference).*\n)?\/\*\*/.test(readFileSync(f, 'utf8')) &&
        !/^export [^\n]*from/.test(readFileSync(f, 'utf8')),
    );
    expect(silent.map(nameOf)).toEqual([]);
  });
  it('has no default exports, enums, ignored types or code from strings', () => {
    const forbidden =
      /^export default|^\s*(const )?enum |@ts-(ignore|nocheck|expect-error)|biome-ignore|\bas any\b|\beval\(|new Function\(/m;
    const self = fileURLToPath(import.meta.url);
    const code = (f: string) => readFileSync(f, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
    expect(all.filter(f => f !== self && !f.endsWith('.config.ts') && forbidden.test(code(f))).map(nameOf)).toEqual([]);
  });
  it('imports node modules at run time only, outside of the command line', () => {
    const wrong = source.filter(
      f =>
        !['cli', 'server'].includes(folderOf(f)) &&
        !f.endsWith('.test.ts') &&
        /^import (?!type).*'node:/m.test(readFileSync(f, 'utf8')),
    );
    expect(wrong.map(nameOf)).toEqual([]);
  });
  it('names no path of a machine and no registry', () => {
    const wrong = all.filter(
      f =>
        f !== fileURLToPath(import.meta.url) &&
        /\/work\/|\/tmp\/(?!heed)|registry\.npmjs/.test(readFileSync(f, 'utf8')),
    );
    expect(wrong.map(nameOf)).toEqual([]);
  });
  it('exports what package.json promises', () => {
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      exports: Record<string, { default: string } | string>;
    };
    for (const target of Object.values(exports)) {
      const file =
        typeof target === 'string' ? target : target.default.replace('./dist/', './src/').replace(/\.js$/, '.ts');
      expect(existsSync(join(ROOT, file)), file).toBe(true);
    }
  });
});

const dist = join(ROOT, 'dist');
describe.skipIf(!existsSync(dist))('the package (needs npm run build)', () => {
  it('is small', () => {
    const bytes = filesBelow(dist, /\.js$/).reduce((n, f) => n + gzipSync(readFileSync(f)).length, 0);
    // Comments are shipped: a stack trace leads to code that explains itself. They are a fifth of it.
    expect(bytes).toBeLessThan(1_500_000);
  });
});
