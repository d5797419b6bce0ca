/** `heed ls`: the models in the cache. */
import { type CachedSnapshot, cachedRepos } from '../../hub/hub-inventory.ts';
import { hubCacheDir } from '../../hub/hub-settings.ts';
import { defineCommand } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { table } from '../layout.ts';
import { CACHE_OPTION, OUTPUT_OPTIONS } from '../options.ts';
import { wordingFor } from '../wording.ts';

export const ls = defineCommand({
  name: 'ls',
  summary: 'lists the models that were downloaded, by heed or by Python tools.',
  positionals: [],
  options: { ...CACHE_OPTION, ...OUTPUT_OPTIONS },
  examples: [
    { line: 'heed ls', does: 'names, revisions, sizes' },
    { line: 'heed ls --json', does: 'for a program' },
  ],
  async run({ values, terminal }) {
    const { language, say, numbers } = wordingFor(values, terminal);
    const repos = await cachedRepos(await hubCacheDir({ cacheDir: values['cache-dir'], env: terminal.env }));
    const snapshots = repos.flatMap(repo => repo.snapshots);
    if (values.json) {
      terminal.write(`${jsonText(snapshots.map(({ files, ...facts }) => ({ ...facts, files: files.length })))}\n`);
      return;
    }
    if (repos.length === 0) {
      terminal.write(`${say('noModels')}\n`);
      return;
    }
    // Sweden writes dates as 2026-01-31, which everyone reads.
    const day = new Intl.DateTimeFormat(language === 'de' ? 'de' : 'sv', { dateStyle: 'short', timeStyle: 'short' });
    const rows = snapshots.map(snapshot => [
      snapshot.repo,
      revisionOf(snapshot),
      numbers.bytes(snapshot.size),
      snapshot.lastUsed ? day.format(snapshot.lastUsed) : '',
    ]);
    const total = ['', say('total'), numbers.bytes(repos.reduce((sum, repo) => sum + repo.size, 0)), ''];
    const titles = [say('model'), say('revision'), say('size'), say('lastUsed')];
    const right = { align: 'right' } as const;
    const lines = table([titles, ...rows, total], [{ shrinks: true }, {}, right, {}], terminal.columns);
    const { bold, dim } = terminal.paint;
    const ends = [0, lines.length - 1];
    terminal.write(`${lines.map((line, i) => (ends.includes(i) ? (i === 0 ? dim : bold)(line) : line)).join('\n')}\n`);
  },
});

/** `main 607a30d` */
const revisionOf = ({ revisions, commit }: CachedSnapshot) => [...revisions, commit.slice(0, 7)].join(' ');
