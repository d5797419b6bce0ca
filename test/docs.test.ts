/** The documentation: links lead somewhere, programs have right types and run, commands exist, the reference is that of the source. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API, apiPages, compile, ROOT } from '../docs/generate-api.ts';
import { COMMANDS, commandNamed } from '../src/cli/commands/index.ts';
import { parseArguments } from '../src/cli/parse-arguments.ts';
import { BUNDLED } from '../src/hub/bundled.ts';

const BUILD = join(ROOT, 'build/docs');
/** Found from any folder. */
const TSX = pathToFileURL(join(ROOT, 'node_modules/tsx/dist/loader.mjs')).href;
const GUIDES = readdirSync(join(ROOT, 'docs')).filter(file => file.endsWith('.md'));
const FRONT = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'];
const PAGES = [...FRONT, ...GUIDES.map(file => `docs/${file}`), ...readdirSync(API).map(file => `docs/api/${file}`)];
const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8');

interface Block {
  /** What stands behind the fence: `ts`, `ts not-run`, `sh`. */
  readonly kind: string;
  readonly text: string;
}
function blocksOf(page: string): Block[] {
  const fences = textOf(page).matchAll(/^```(.*)\n([\s\S]*?)^```$/gm);
  return [...fences].map(([, kind, text]) => ({ kind: kind!, text: text! }));
}
/** The program of a guide: its blocks one after the other. Empty for a page without. */
const programOf = (guide: string) =>
  blocksOf(`docs/${guide}`)
    .filter(({ kind }) => kind === 'ts')
    .map(({ text }) => text)
    .join('\n');
/** Programs by file name: those of the guides, and the blocks that need something of the reader's. */
const programs = Object.fromEntries(
  GUIDES.flatMap(guide => {
    const alone = blocksOf(`docs/${guide}`).filter(({ kind }) => kind === 'ts not-run');
    const name = guide.replace(/\.md$/, '');
    return [
      [`${name}.ts`, programOf(guide)] as const,
      ...alone.map(({ text }, i) => [`${name}-${i + 1}.ts`, text] as const),
    ].filter(([, text]) => text !== '');
  }),
);

/** As the headings of a page are addressed. */
const anchorsOf = (page: string) =>
  [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
function brokenLinks(page: string): string[] {
  const prose = textOf(page).replace(/^```[\s\S]*?^```$|`[^`\n]*`/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link]) => {
    if (/^[a-z]+:/.test(link!)) return [];
    const [path, anchor] = link!.split('#');
    const target = path ? relative(ROOT, resolve(ROOT, dirname(page), path)) : page;
    // Cards are written when a model is trained.
    const [folder, model] = target.split('/');
    if (folder === 'models' && BUNDLED.some(name => name === model) && !existsSync(join(ROOT, folder, model!)))
      return [];
    if (!existsSync(join(ROOT, target))) return [link!];
    return anchor && !anchorsOf(target).includes(anchor) ? [link!] : [];
  });
}
/** Arguments as a shell hands them over, without what it does itself. */
const argumentsOf = (line: string) =>
  [...line.replace(/\s#.*|[|<>].*/g, '').matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);

describe('the pages', () => {
  it.each(PAGES)('%s links to what is there', page => {
    expect(brokenLinks(page)).toEqual([]);
  });
  it('has every guide in its index', () => {
    const index = textOf('docs/README.md');
    expect(GUIDES.filter(guide => guide !== 'README.md' && !index.includes(`](${guide})`))).toEqual([]);
  });
  it('shows commands that there are, with options that they have', async () => {
    const lines = GUIDES.flatMap(guide => blocksOf(`docs/${guide}`))
      .filter(({ kind }) => kind === 'sh')
      .flatMap(({ text }) => text.split('\n').filter(line => line.startsWith('heed ')));
    for (const line of lines) {
      const [, name, ...argv] = argumentsOf(line);
      const command = await commandNamed(name!);
      expect(() => parseArguments(command, argv), line).not.toThrow();
    }
    expect(lines.length).toBeGreaterThan(30);
  }, 600_000);
  it('shows every command on its page', () => {
    const page = textOf('docs/command-line.md');
    expect(COMMANDS.filter(({ name }) => !page.includes(`\nheed ${name}`)).map(({ name }) => name)).toEqual([]);
  });
});

describe('the programs', () => {
  let compiled: ReturnType<typeof compile>;
  let place = '';
  beforeAll(() => {
    compiled = compile(BUILD, programs);
    place = mkdtempSync(join(tmpdir(), 'heed-docs-'));
  }, 600_000);
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  it('have right types', () => {
    const own = compiled.complaints.split('\n').filter(line => line.startsWith('build/docs/'));
    expect(own, own.join('\n')).toEqual([]);
  });
  it('and the reference is that of the source (npm run docs:api)', () => {
    const pages = apiPages(compiled.declarations);
    expect(readdirSync(API).sort()).toEqual([...pages.keys()].sort());
    for (const [file, text] of pages)
      expect(textOf(`docs/api/${file}`) === text, `docs/api/${file} is stale`).toBe(true);
  });

  for (const guide of GUIDES.filter(file => programOf(file) !== '')) {
    const missing = BUNDLED.filter(
      name => programOf(guide).includes(`'${name}'`) && !existsSync(join(ROOT, 'models', name)),
    );
    const why = missing.length ? ` (skipped: ${missing.join(', ')} not trained yet)` : '';
    it.skipIf(missing.length)(
      `${guide} runs from top to bottom${why}`,
      () => {
        const file = join(BUILD, guide.replace(/\.md$/, '.ts'));
        const said = execFileSync(process.execPath, ['--import', TSX, file], {
          cwd: place,
          encoding: 'utf8',
          env: { ...process.env, TSX_TSCONFIG_PATH: join(BUILD, 'tsconfig.json') },
        });
        expect(said.trim()).not.toBe('');
      },
      600_000,
    );
  }
});
