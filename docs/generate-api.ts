/**
 * The API reference: `docs/api/*.md`, a page for each entry point of package.json, from the declarations that the compiler writes.
 * `npm run docs:api` writes the pages; test/docs.test.ts says when they are stale.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const API = join(ROOT, 'docs/api');

/** A name to import from, and the file of src/ behind it. */
interface EntryPoint {
  readonly name: string;
  readonly source: string;
}
/** One exported name. */
interface Declaration {
  readonly kind: Kind;
  readonly name: string;
  /** The comment above it, without its stars. */
  readonly doc: string;
  /** Its declaration, of a function one for each form that it has. */
  readonly code: string;
  /** The file of src/ that it stands in. */
  readonly file: string;
}
const KINDS = {
  function: 'Functions',
  class: 'Classes',
  const: 'Constants',
  interface: 'Types',
  type: 'Types',
} as const;
type Kind = keyof typeof KINDS;
const WIDTH = 110;

/** Entry points of package.json, the main one first. */
export function entryPoints(): EntryPoint[] {
  const { name, exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly exports: Readonly<Record<string, { readonly types: string } | string>>;
  };
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string'
      ? []
      : { name: name + path.slice(1), source: target.types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts') },
  );
}

/**
 * Compiles the entry points, and programs that import them by name, in one run.
 * @param folder below the repository; what is in it is removed
 * @param programs by file name
 * @returns what the compiler complains of, and the folder of the declarations of src/
 */
export function compile(folder: string, programs: Readonly<Record<string, string>> = {}) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [file, text] of Object.entries(programs)) writeFileSync(join(folder, file), text);
  const up = relative(folder, ROOT);
  const options = {
    ...{ noEmit: false, declaration: true, emitDeclarationOnly: true, outDir: 'types', rootDir: up },
    ...{ noUnusedLocals: false, noUnusedParameters: false },
    paths: { heed: [`${up}/src/index.ts`], 'heed/*': [`${up}/src/*/index.ts`] },
  };
  const include = ['*.ts', ...entryPoints().map(({ source }) => `${up}/${source}`)];
  const config = { extends: `${up}/tsconfig.json`, compilerOptions: options, include };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config, null, 2));
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', folder], { cwd: ROOT, encoding: 'utf8' });
  return { complaints: `${stdout}${stderr}`.trim(), declarations: join(folder, 'types/src') };
}

/** The pages by file name. @param declarations the folder that `compile` gives */
export function apiPages(declarations: string): Map<string, string> {
  const reader = new DeclarationReader(declarations);
  const pages = new Map<string, string>();
  const places = new Map<string, string>();
  const entries = entryPoints();
  for (const { name, source } of entries) {
    const page = `${name.replaceAll('/', '-')}.md`;
    pages.set(page, pageOf(name, page, source, reader, places));
  }
  const rows = entries.map(({ name, source }) => {
    const about = reader.headOf(source);
    return `- [\`${name}\`](${name.replaceAll('/', '-')}.md)${about && `: ${oneLine(about)}`}`;
  });
  pages.set('README.md', `# API reference\n\nMade from the source by \`npm run docs:api\`.\n\n${rows.join('\n')}\n`);
  return pages;
}

/** @param places where names are explained already, `name file` to page; those of this page are added */
function pageOf(
  name: string,
  page: string,
  source: string,
  reader: DeclarationReader,
  places: Map<string, string>,
): string {
  const all = [...reader.exportsOf(source).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const elsewhere: string[] = [];
  const fresh = all.filter(declaration => {
    const key = `${declaration.name} ${declaration.file}`;
    const known = places.get(key);
    if (known) elsewhere.push(`[\`${declaration.name}\`](${known}#${declaration.name.toLowerCase()})`);
    else places.set(key, page);
    return !known;
  });
  const about = reader.headOf(source);
  const parts = [`# ${name}`, ...(about ? [prose(about)] : [])];
  if (elsewhere.length) parts.push(`Also here: ${elsewhere.join(', ')}.`);
  for (const heading of new Set(Object.values(KINDS))) {
    const members = fresh.filter(({ kind }) => KINDS[kind] === heading);
    if (members.length) parts.push(`## ${heading}`, ...members.map(section));
  }
  return `${parts.join('\n\n')}\n`;
}

function section({ name, doc, code, file }: Declaration): string {
  const where = `[${file}](../../${file})`;
  return [`### ${name}`, ...(doc ? [prose(doc)] : []), `\`\`\`ts\n${code}\n\`\`\``, where].join('\n\n');
}

/** Comments as Markdown: tags are lines of a list, and nothing but code between backticks looks like HTML. */
function prose(doc: string): string {
  const text = doc
    .split(/(`[^`]*`)/)
    .map(part => (part.startsWith('`') ? part : part.replaceAll('<', '&lt;')))
    .join('');
  const [about = '', ...tags] = text.split(/^@|(?<=[.)\]`}\w]) @(?=throws|param|returns)/m);
  const items = tags.map(tag => `- ${tag.trim().replace(/^(throws|returns|param \S+)/, '*$1*')}`);
  return [about.trim(), items.join('\n')].filter(part => part !== '').join('\n\n');
}
const oneLine = (text: string): string => prose(text.split(/\n\n|(?<=\.)\s/)[0]!).replaceAll('\n', ' ');

/** Reads the declarations that the compiler wrote; each file once. */
class DeclarationReader {
  readonly #folder: string;
  readonly #files = new Map<string, Map<string, Declaration>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The comment at the head of a file of src/. */
  headOf(source: string): string {
    const text = readFileSync(join(ROOT, source), 'utf8');
    return withoutStars(/^(?:\/\/\/.*\n)*(\/\*\*[\s\S]*?\*\/)/.exec(text)?.[1] ?? '');
  }

  /** What a file of src/ exports, by name. */
  exportsOf(source: string): Map<string, Declaration> {
    const known = this.#files.get(source);
    if (known) return known;
    const found = new Map<string, Declaration>();
    this.#files.set(source, found);
    for (const { doc, code } of statementsOf(this.#textOf(source))) {
      const [, names, all] = /^export (?:type )?(?:\{([^}]*)\}|(\*)) from/.exec(code) ?? [];
      const from = / from ['"]([^'"]+)['"]/.exec(code)?.[1];
      if (names === undefined && !all) declare(found, doc, code, source);
      else if (from?.startsWith('.')) {
        const others = this.exportsOf(join(dirname(source), from));
        for (const [name, as] of all ? [...others.keys()].map(key => [key, key] as const) : namesIn(names!)) {
          const declaration = others.get(name);
          if (declaration) found.set(as, { ...declaration, name: as });
        }
      }
    }
    return found;
  }

  #textOf(source: string): string {
    return readFileSync(join(this.#folder, '..', source.replace(/\.ts$/, '.d.ts')), 'utf8');
  }
}

/** `a, type B as C` as pairs of the name there and the name here. */
function namesIn(list: string): (readonly [string, string])[] {
  return list.split(',').flatMap(part => {
    const [name, as] = part
      .trim()
      .replace(/^type /, '')
      .split(/\s+as\s+/);
    return name ? [[name, as ?? name] as const] : [];
  });
}

function declare(found: Map<string, Declaration>, doc: string, code: string, file: string): void {
  const [, kind, name] =
    /^export (?:declare )?(?:abstract )?(function|class|const|interface|type) (\w+)/.exec(code) ?? [];
  if (!kind || !name) return;
  const earlier = found.get(name);
  const shown = readable(code);
  if (earlier?.kind === 'function') found.set(name, { ...earlier, code: `${earlier.code}\n${shown}` });
  else found.set(name, { kind: kind as Kind, name, doc, code: shown, file });
}

/** Statements at the margin, each with the comment above it. */
function* statementsOf(text: string): Generator<{ readonly doc: string; readonly code: string }> {
  const lines = text.split('\n');
  let doc = '';
  for (let i = 0; i < lines.length; i++) {
    if (/^(?:$|\/\/)/.test(lines[i]!)) continue;
    const start = i;
    const isComment = lines[i]!.startsWith('/**');
    const isEnd = isComment ? (line: string) => line.endsWith('*/') : (line: string) => /^\S.*[;}]$|^}$/.test(line);
    while (i < lines.length - 1 && !isEnd(lines[i]!)) i++;
    const code = lines.slice(start, i + 1).join('\n');
    if (isComment) doc = withoutStars(code);
    else {
      yield { doc, code };
      doc = '';
    }
  }
}

const withoutStars = (comment: string): string =>
  comment
    .replace(/^\/\*\*|\*\/$/g, '')
    .replace(/^[ \t]*\* ?/gm, '')
    .trim();

/** As people write it: two spaces, no words for the compiler alone, long parameter lists on lines of their own. */
function readable(code: string): string {
  return code
    .replace(/^export (?:declare )?/, '')
    .replace(/^ +#private;\n/gm, '')
    .replace(/import\(['"][^'"]+['"]\)\./g, '')
    .replace(/^(?: {4})+/gm, indent => ' '.repeat(indent.length / 2))
    .split('\n')
    .map(line =>
      line.length > WIDTH && /^\s*(?:function|static |get |async )?[\w<>|,. ]*\(/.test(line) ? broken(line) : line,
    )
    .join('\n');
}

/** A function's head with a line for each parameter. */
function broken(line: string): string {
  const indent = /^ */.exec(line)![0];
  const open = line.indexOf('(');
  const parts: string[] = [];
  let [depth, from, at] = [0, open + 1, open + 1];
  for (; at < line.length; at++) {
    const character = line[at]!;
    if ('([{<'.includes(character)) depth++;
    else if (character === ')' && depth === 0) break;
    else if (')]}'.includes(character) || (character === '>' && line[at - 1] !== '=')) depth--;
    else if (character === ',' && depth === 0) {
      parts.push(line.slice(from, at).trim());
      from = at + 1;
    }
  }
  parts.push(line.slice(from, at).trim());
  return `${line.slice(0, open)}(\n${parts.map(part => `${indent}  ${part},\n`).join('')}${indent}${line.slice(at)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { declarations } = compile(join(ROOT, 'build/api'));
  const pages = apiPages(declarations);
  rmSync(API, { recursive: true, force: true });
  mkdirSync(API, { recursive: true });
  for (const [file, text] of pages) writeFileSync(join(API, file), text);
  console.log(`${pages.size} pages in ${relative(process.cwd(), API)}`);
}
