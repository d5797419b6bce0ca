/** `heed embed`: vectors of texts, and how near the texts are to each other. */
import type { Pooling } from '../../nn/pooling.ts';
import { cosine } from '../../tasks/sentence-similarity.ts';
import { defineCommand } from '../command.ts';
import { cut, padStart } from '../layout.ts';
import { element } from '../numbers.ts';
import { FROM_LINES } from '../options.ts';
import { textsOf } from '../read-text.ts';
import { jsonLines, TASK_OPTIONS, withTask } from '../task-call.ts';

/** Numbers of a vector that are shown. */
const SHOWN = 8;

export const embed = defineCommand({
  name: 'embed',
  summary: 'gives texts as vectors; of several it shows how near they are.',
  positionals: [
    { name: 'MODEL', help: 'a model that reads texts: folder, or a model on the hub, org/name' },
    { name: '[TEXT]', help: `the text; ${FROM_LINES}` },
  ],
  options: {
    pooling: {
      kind: 'text',
      value: 'HOW',
      choices: ['cls', 'max', 'mean', 'mean_sqrt_len_tokens', 'weightedmean', 'lasttoken'],
      help: "how a vector is made of the tokens' (default: as the model's own modules say, else the mean)",
    },
    normalize: { kind: 'flag', help: 'vectors of length 1' },
    ...TASK_OPTIONS,
  },
  examples: [
    { line: 'heed embed kleinwelt-bert-sentences "Der Hund jagt die Katze." --json', does: 'a vector' },
    {
      line: 'heed embed kleinwelt-bert-sentences < examples/data/sentences.txt',
      does: 'the cosines between the lines',
    },
    {
      line: 'heed embed kleinwelt-bert-sentences --normalize --json < examples/data/sentences.txt',
      does: 'a vector for each line',
    },
  ],
  async run({ values, positionals: [source, argument], terminal, signal }) {
    const call = { name: 'embed', source: source!, values, terminal, signal };
    const given = await textsOf(argument, 'a text', call);
    await withTask(call, 'feature-extraction', async (pipe, { say, numbers }) => {
      const pooling: Pooling | 'model' = values.pooling ?? 'model';
      const rows = await pipe(given.texts, { pooling, normalize: values.normalize || undefined, signal });
      const vectors = rows.map(([vector]) => vector!);
      if (values.json)
        return terminal.write(
          jsonLines(
            vectors.map(vector => Array.from(vector)),
            given,
          ),
        );
      const [first] = vectors;
      if (vectors.length === 1) {
        const shown = Array.from(first!.subarray(0, SHOWN), x => element(x));
        const more = first!.length > SHOWN ? ' …' : '';
        return terminal.write(`${numbers.count(first!.length)} ${say('numbers')}: ${shown.join('  ')}${more}\n`);
      }
      const { paint, columns } = terminal;
      const width = 6;
      const room = Math.max(10, columns - (width + 1) * vectors.length - 5);
      for (const [i, a] of vectors.entries()) {
        const cells = vectors.map(b => padStart(numbers.fixed(cosine(a, b), 2), width));
        const line = cells.map((cell, k) => (k === i ? paint.dim(cell) : cell)).join(' ');
        terminal.write(`${padStart(`${i + 1}`, 3)} ${line}  ${cut(given.texts[i]!, room)}\n`);
      }
    });
  },
});
