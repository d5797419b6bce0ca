/** `heed pull`: downloads a model from the hub into the cache that Python tools share. */
import { hubFiles } from '../../hub/hub-files.ts';
import { parseHubId } from '../../hub/hub-id.ts';
import { defineCommand, UsageError } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { CACHE_OPTION, OUTPUT_OPTIONS } from '../options.ts';
import { createTransferBar } from '../transfer-bar.ts';
import { wordingFor } from '../wording.ts';

export const pull = defineCommand({
  name: 'pull',
  summary: 'downloads the files of a model from the hub, those that are not there yet.',
  positionals: [{ name: 'ID', help: 'ORG/NAME, ORG/NAME@REVISION, or of one weights file ORG/NAME/FILE.gguf' }],
  options: {
    file: {
      kind: 'list',
      value: 'PATH',
      help: 'this file only; may be given several times (default: what the model needs)',
    },
    ...CACHE_OPTION,
    ...OUTPUT_OPTIONS,
  },
  examples: [
    { line: 'heed pull openai-community/gpt2', does: 'configuration, tokenizer, weights' },
    { line: 'heed pull openai-community/gpt2@main --file config.json', does: 'one file of one revision' },
    { line: 'HF_TOKEN=hf_... heed pull org/private', does: 'with a token' },
  ],
  async run({ values, positionals: [id], terminal, signal }) {
    const parsed = parseHubId(id!);
    if (!parsed)
      throw new UsageError(`${JSON.stringify(id)} is not the name of a model: ORG/NAME or ORG/NAME@REVISION`, 'pull');
    const { say, numbers } = wordingFor(values, terminal);
    const bar = createTransferBar(terminal, say, numbers);
    const files = hubFiles(id!, {
      cacheDir: values['cache-dir'],
      env: terminal.env,
      signal,
      onProgress: ({ loadedBytes, totalBytes, presentBytes }) =>
        bar.show(parsed.repo, loadedBytes, totalBytes, presentBytes),
    });
    const begin = performance.now();
    const pulled = await files.pull(values.file.length > 0 ? values.file : undefined).catch((error: unknown) => {
      bar.clear();
      if (signal.aborted) terminal.note(`${say('pullStopped')}\n`);
      throw error;
    });
    bar.clear();
    const ms = performance.now() - begin;
    if (values.json) {
      terminal.write(`${jsonText({ repo: parsed.repo, ...pulled })}\n`);
      return;
    }
    const { commit, fetchedBytes } = pulled;
    const what =
      fetchedBytes === 0
        ? say('nothingToFetch')
        : `${numbers.bytes(fetchedBytes)} ${say('fetched')}, ${numbers.duration(ms)}`;
    const count = pulled.files.length;
    terminal.write(
      `${terminal.paint.bold(parsed.repo)} ${commit.slice(0, 7)}  ${count} ${say(count === 1 ? 'oneFile' : 'files')}, ${what}\n`,
    );
  },
});
