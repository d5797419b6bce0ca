/** `heed complete`: what a model writes after a text, and nothing else; of many texts line by line. */
import { ConfigError } from '../../errors.ts';
import type { GeneratedText } from '../../generate/index.ts';
import type { Model } from '../../hub/model.ts';
import { defineCommand, grouped, UsageError } from '../command.ts';
import {
  contradiction,
  generationSettings,
  LENGTH_OPTIONS,
  SAMPLING_OPTIONS,
  SEARCH_OPTIONS,
  stopStringsOf,
} from '../generation-options.ts';
import { jsonText } from '../json-text.ts';
import { FROM_INPUT } from '../options.ts';
import { textOrIds } from '../read-text.ts';
import { TASK_OPTIONS, withModel } from '../task-call.ts';

const BATCH_SIZE = 8;

const OPTIONS = {
  ...grouped('Input', {
    batch: { kind: 'flag', help: 'standard input is a text per line, and so is the output' },
    'batch-size': {
      kind: 'integer',
      value: 'N',
      min: 1,
      help: `texts that are computed together (default ${BATCH_SIZE})`,
    },
  }),
  ...LENGTH_OPTIONS,
  ...SAMPLING_OPTIONS,
  ...SEARCH_OPTIONS,
  ...TASK_OPTIONS,
  ...grouped('Output', { echo: { kind: 'flag', help: 'the text first, then what the model writes' } }),
} as const;

export const complete = defineCommand({
  name: 'complete',
  summary: 'writes what follows a text, and nothing else: for scripts and for many texts at once.',
  positionals: [
    { name: 'MODEL', help: 'a model that writes: kleinwelt-gpt, a folder, or a model on the hub, org/name' },
    { name: '[TEXT]', help: `the text to continue; ${FROM_INPUT}` },
  ],
  options: OPTIONS,
  examples: [
    { line: 'heed complete kleinwelt-gpt "Der Hund" -n 20', does: 'one text' },
    {
      line: 'heed complete kleinwelt-gpt --batch --json -n 12 < examples/data/beginnings.txt',
      does: 'a JSON line for each line',
    },
    { line: 'echo "Once upon" | heed complete kleinwelt-gpt --echo -t 0.8 --seed 1 -n 30', does: 'in a pipe' },
  ],
  async run({ values, positionals: [source, argument], terminal, signal }) {
    const problem = values.batch && argument !== undefined ? '--batch reads standard input' : contradiction(values);
    if (problem) throw new UsageError(problem, 'complete');
    const given = await textOrIds(values.batch ? '-' : argument, undefined, {
      ...{ command: 'complete', what: 'a text', terminal, signal },
    });
    const text = String(given);
    const options = { ...generationSettings(OPTIONS, values), stopStrings: stopStringsOf(values.stop), signal };
    const call = { name: 'complete', source: source!, values, terminal, signal };
    await withModel(call, async ({ model }) => {
      if (values.batch) {
        const texts = text.split(/\r?\n/).filter(line => line.trim() !== '');
        const size = values['batch-size'] ?? BATCH_SIZE;
        for (let at = 0; at < texts.length; at += size) {
          const group = texts.slice(at, at + size);
          for (const sequence of await written(model, group, options)) {
            const prompt = group[sequence.prompt]!;
            const line = values.json
              ? JSON.stringify(asJson(prompt, sequence))
              : textLine(prompt, sequence, values.echo);
            terminal.write(`${line}\n`);
          }
        }
        return;
      }
      if (values.json) {
        const all = (await written(model, [text], options)).map(sequence => asJson(text, sequence));
        return terminal.write(`${jsonText(all.length === 1 ? all[0] : all)}\n`);
      }
      const several = (values.beams ?? 1) > 1 || (values['num-return-sequences'] ?? 1) > 1;
      if (several) {
        for (const sequence of await written(model, [text], options))
          terminal.write(`${textLine(text, sequence, values.echo)}\n`);
        return;
      }
      if (values.echo) terminal.write(text);
      for await (const { text: more } of model.generate(text, options)) terminal.write(more);
      terminal.write('\n');
    });
  },
});

type Options = Parameters<Model['generate']>[1];

async function written(model: Model, texts: readonly string[], options: Options): Promise<readonly GeneratedText[]> {
  for await (const event of model.generate(texts, options)) if (event.type === 'done') return event.sequences;
  throw new ConfigError('the model wrote nothing', { seen: `${texts.length} texts` });
}

const asJson = (prompt: string, { text, finishReason }: GeneratedText) => ({ prompt, text, finishReason });

/** On one line, as the input was. */
const textLine = (prompt: string, { text }: GeneratedText, echo: boolean): string =>
  `${echo ? prompt : ''}${text}`.replace(/\s*\n\s*/g, ' ').trim();
