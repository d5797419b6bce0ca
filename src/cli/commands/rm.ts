/** `heed rm`: removes a model from the cache. */
import { ConfigError } from '../../errors.ts';
import { hubId } from '../../hub/hub-id.ts';
import { cachedRepo, removalOf, remove } from '../../hub/hub-inventory.ts';
import { hubCacheDir } from '../../hub/hub-settings.ts';
import { defineCommand } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { CACHE_OPTION, OUTPUT_OPTIONS } from '../options.ts';
import { wordingFor } from '../wording.ts';

export const rm = defineCommand({
  name: 'rm',
  summary: 'removes a downloaded model, or one revision of it.',
  positionals: [{ name: 'ID', help: 'ORG/NAME, or ORG/NAME@REVISION as heed ls shows it' }],
  options: { yes: { kind: 'flag', short: 'y', help: 'do not ask' }, ...CACHE_OPTION, ...OUTPUT_OPTIONS },
  examples: [
    { line: 'heed rm openai-community/gpt2', does: 'asks before it does' },
    { line: 'heed rm facebook/bart-large-mnli@main --yes', does: 'only this revision, without asking' },
  ],
  async run({ values, positionals: [id], terminal, signal }) {
    const { say, numbers } = wordingFor(values, terminal);
    const { repo, revision } = hubId(id!);
    const cacheDir = await hubCacheDir({ cacheDir: values['cache-dir'], env: terminal.env });
    const removal = await removalOf(cacheDir, await cachedRepo(cacheDir, repo, revision));
    if (!values.yes) {
      if (!terminal.keyboard)
        throw new ConfigError('nobody can be asked whether to remove the model', { seen: 'no terminal', fix: '--yes' });
      const what = `${id} (${numbers.bytes(removal.bytes)})`;
      const answer = await terminal.ask(`${say('removeAll').replace('{}', what)} ${say('yesOrNo')} `, signal);
      if (!/^(y|yes|j|ja)$/i.test(answer.trim())) {
        terminal.note(`${say('kept')}\n`);
        return 1;
      }
    }
    await remove(removal);
    if (values.json) terminal.write(`${jsonText({ repo, ...(revision && { revision }), bytes: removal.bytes })}\n`);
    else terminal.write(`${terminal.paint.bold(id!)}  ${numbers.bytes(removal.bytes)} ${say('removed')}\n`);
    return 0;
  },
});
