/** `heed verify`: compares the files of a downloaded model with their checksums. */
import { hubId } from '../../hub/hub-id.ts';
import { cachedRepo, verify as verifyRepo } from '../../hub/hub-inventory.ts';
import { hubCacheDir } from '../../hub/hub-settings.ts';
import { defineCommand } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { table, wrap } from '../layout.ts';
import { CACHE_OPTION, OUTPUT_OPTIONS } from '../options.ts';
import { createTransferBar } from '../transfer-bar.ts';
import { wordingFor } from '../wording.ts';

export const verify = defineCommand({
  name: 'verify',
  summary: 'checks the files of a downloaded model against their checksums, without the hub.',
  positionals: [{ name: 'ID', help: 'ORG/NAME, or ORG/NAME@REVISION as heed ls shows it' }],
  options: { ...CACHE_OPTION, ...OUTPUT_OPTIONS },
  examples: [
    { line: 'heed verify openai-community/gpt2', does: 'all its revisions; exit code 1 if a file is damaged' },
    { line: 'heed verify openai-community/gpt2@main --json', does: 'one of them, for a program' },
  ],
  async run({ values, positionals: [id], terminal, signal }) {
    const { say, numbers } = wordingFor(values, terminal);
    const { repo, revision } = hubId(id!);
    const cacheDir = await hubCacheDir({ cacheDir: values['cache-dir'], env: terminal.env });
    const found = await cachedRepo(cacheDir, repo, revision);
    const bar = createTransferBar(terminal, say, numbers);
    let done = 0;
    const onBytes = (bytes: number) => bar.show(say('checking'), (done += bytes), found.size);
    const files = await verifyRepo(found, { signal, onBytes }).finally(bar.clear);
    const bad = files.filter(({ state }) => state === 'damaged' || state === 'missing');
    if (values.json) {
      terminal.write(`${jsonText({ repo, ok: bad.length === 0, files })}\n`);
      return bad.length === 0 ? 0 : 1;
    }
    const { green, red, yellow } = terminal.paint;
    const paints = { right: green, damaged: red, missing: red, unknown: yellow } as const;
    const rows = files.map(({ path, commit, state }) => [commit.slice(0, 7), path, paints[state](say(state))]);
    terminal.write(`${table(rows, [{}, { shrinks: true }], terminal.columns).join('\n')}\n`);
    if (bad.length === 0) return 0;
    terminal.note(`${wrap(say('repair'), terminal.columns)}\n${bad.map(({ file }) => `  ${file}\n`).join('')}`);
    return 1;
  },
});
