/** `heed complete`: what a model writes after a text, and nothing else; of many texts line by line. */
import { ConfigError } from '../../errors.ts';
import type { GeneratedText } from '../../generate/index.ts';
import type { Model } from '../../hub/model.ts';
import { defineCommand, grouped, UsageError } from '../command.ts';
import { CONTINUATION_OPTIONS, contradiction, generationSettings } from '../generation-options.ts';
import { oneOrAll } from '../json-text.ts';
import { FROM_INPUT } from '../options.ts';
import { textOf, textsOf } from '../read-text.ts';
import { TASK_OPTIONS, withModel } from '../task-call.ts';
import { writeText } from '../written-texts.ts';

const BATCH_SIZE = 8;

export const complete = defineCommand({
  name: 'complete',
  summary: 'writes what follows a text, and nothing else: for scripts and for many texts at once.',
  positionals: [
    { name: 'MODEL', help: 'a model that writes: kleinwelt-llama, a folder, or a model on the hub, org/name' },
    { name: '[TEXT]', help: `the text to continue; ${FROM_INPUT}` },
  ],
  options: {
    ...grouped('Input', {
      batch: { kind: 'flag', help: 'standard input is a text per line, and so is the output' },
      'batch-size': {
        kind: 'integer',
        value: 'N',
        min: 1,
        help: `texts that are computed together (default ${BATCH_SIZE})`,
      },
    }),
    ...CONTINUATION_OPTIONS,
    ...TASK_OPTIONS,
    ...grouped('Output', { echo: { kind: 'flag', help: 'the text first, then what the model writes' } }),
  },
  examples: [
    { line: 'heed complete kleinwelt-llama "Der Hund" -n 20', does: 'one text' },
    {
      line: 'heed complete kleinwelt-llama --batch --json -n 12 < examples/data/beginnings.txt',
      does: 'a JSON line for each line',
    },
    { line: 'echo "Once upon" | heed complete kleinwelt-llama --echo -t 0.8 --seed 1 -n 30', does: 'in a pipe' },
  ],
  async run({ values, positionals: [source, argument], terminal, signal }) {
    const problem = values.batch && argument !== undefined ? '--batch reads standard input' : contradiction(values);
    if (problem) throw new UsageError(problem, 'complete');
    const call = { name: 'complete', source: source!, values, terminal, signal };
    const { texts } = values.batch
      ? await textsOf('-', 'a text', call)
      : { texts: [await textOf(argument, 'a text', call)] };
    const options = { ...generationSettings(CONTINUATION_OPTIONS, values), signal };
    const several = (values.beams ?? 1) > 1 || (values['num-return-sequences'] ?? 1) > 1;
    await withModel(call, async ({ model }) => {
      if (!values.batch && !values.json && !several) {
        if (values.echo) terminal.write(texts[0]!);
        return writeText(model.generate(texts, options), terminal);
      }
      const size = values['batch-size'] ?? BATCH_SIZE;
      for (let at = 0; at < texts.length; at += size) {
        const group = texts.slice(at, at + size);
        const sequences = await written(model, group, options);
        const results = sequences.map(({ prompt, text, finishReason }) => ({
          prompt: group[prompt]!,
          text,
          finishReason,
        }));
        if (values.json && !values.batch) terminal.write(oneOrAll(results));
        else
          for (const result of results)
            terminal.write(`${values.json ? JSON.stringify(result) : onOneLine(result, values.echo)}\n`);
      }
    });
  },
});

type Options = Parameters<Model['generate']>[1];

async function written(model: Model, texts: readonly string[], options: Options): Promise<readonly GeneratedText[]> {
  for await (const event of model.generate(texts, options)) if (event.type === 'done') return event.sequences;
  throw new ConfigError('the model wrote nothing', { seen: `${texts.length} texts` });
}

/** As the input was. */
const onOneLine = ({ prompt, text }: { readonly prompt: string; readonly text: string }, echo: boolean): string =>
  `${echo ? prompt : ''}${text}`.replace(/\s*\n\s*/g, ' ').trim();
