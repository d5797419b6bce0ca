/** `heed models`: what there is to run: models that come with heed, downloaded ones, and the architectures it knows. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BUNDLED, type BundledName, bundledAddress } from '../../hub/bundled.ts';
import { cachedRepos } from '../../hub/hub-inventory.ts';
import { hubCacheDir } from '../../hub/hub-settings.ts';
import { modelTypes } from '../../models/index.ts';
import { defineCommand } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { table, wrap } from '../layout.ts';
import { CACHE_OPTION, OUTPUT_OPTIONS } from '../options.ts';
import { wordingFor } from '../wording.ts';

/** What each does, and the command that shows it. */
const ABOUT: Readonly<Record<BundledName, readonly [command: string, english: string, german: string]>> = {
  'kleinwelt-llama': ['run', 'tells stories', 'erzählt Geschichten'],
  'kleinwelt-bert': ['fill', 'finds hidden words', 'findet verdeckte Wörter'],
  'kleinwelt-bert-sentiment': ['classify', 'tells the mood of a text', 'erkennt die Stimmung'],
  'kleinwelt-bert-entities': ['tokens', 'marks names and places', 'markiert Namen und Orte'],
  'kleinwelt-bert-answers': ['answer', 'finds answers in a text', 'findet Antworten im Text'],
  'kleinwelt-bert-sentences': ['embed', 'compares sentences', 'vergleicht Sätze'],
  'kleinwelt-marian': ['translate', 'translates German/English', 'übersetzt Deutsch/Englisch'],
  'kleinwelt-diffusion': ['denoise', 'writes by diffusion', 'schreibt durch Diffusion'],
  'kleinwelt-edits': ['edit', 'writes by edits', 'schreibt durch Änderungen'],
  'kleinwelt-lstm': ['run', 'tells stories (LSTM)', 'erzählt Geschichten (LSTM)'],
};

export const models = defineCommand({
  name: 'models',
  summary: 'lists the models that come with heed, those that were downloaded, and the architectures that run.',
  positionals: [],
  options: { ...CACHE_OPTION, ...OUTPUT_OPTIONS },
  examples: [
    { line: 'heed models', does: 'everything that can be run' },
    { line: 'heed models --json', does: 'for a program' },
  ],
  async run({ values, terminal }) {
    const { language, say, numbers } = wordingFor(values, terminal);
    const bundled = BUNDLED.flatMap(name => {
      const bytes = bytesAt(bundledAddress(name) ?? '');
      if (bytes === undefined) return [];
      const [command, english, german] = ABOUT[name];
      return [{ name, does: language === 'de' ? german : english, command, bytes }];
    });
    const repos = await cachedRepos(await hubCacheDir({ cacheDir: values['cache-dir'], env: terminal.env }));
    const types = modelTypes().sort();
    if (values.json) {
      const downloaded = repos.map(({ repo, size }) => ({ repo, size }));
      return terminal.write(`${jsonText({ bundled, downloaded, architectures: types })}\n`);
    }
    const { bold, dim } = terminal.paint;
    const columns = [{}, { align: 'right' }, {}, {}] as const;
    const own = bundled.map(({ name, does, command, bytes }) => [
      `  ${name}`,
      numbers.bytes(bytes),
      `heed ${command}`,
      does,
    ]);
    const cached = repos.map(({ repo, size }) => [`  ${repo}`, numbers.bytes(size)]);
    const none = (text: string) => [`  ${dim(wrap(text, terminal.columns, '  '))}`];
    const lines = [
      bold(say('bundledModels')),
      ...(own.length > 0 ? table(own, columns, terminal.columns) : none(say('noBundled'))),
      '',
      bold(say('downloadedModels')),
      ...(cached.length > 0
        ? table(cached, [{ shrinks: true }, { align: 'right' }], terminal.columns)
        : none(say('noModels'))),
      '',
      bold(say('architectures').replace('{}', String(types.length))),
      `  ${wrap(types.join(', '), terminal.columns, '  ')}`,
    ];
    terminal.write(`${lines.join('\n')}\n`);
  },
});

/** Of a file, or of all files of a folder; undefined where there are none. */
function bytesAt(path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  const own = statSync(path);
  if (own.isFile()) return own.size;
  const sizes = readdirSync(path).flatMap(name => bytesAt(join(path, name)) ?? []);
  return sizes.length > 0 ? sizes.reduce((sum, size) => sum + size, 0) : undefined;
}
