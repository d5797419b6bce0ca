/** `heed fill`: finds what stands behind the masks of a text. */
import type { FilledMask } from '../../tasks/fill-mask.ts';
import { defineCommand } from '../command.ts';
import { FROM_LINES } from '../options.ts';
import { textsOf } from '../read-text.ts';
import { scoreBars } from '../score-bars.ts';
import { jsonLines, TASK_OPTIONS, withTask } from '../task-call.ts';
import { quote } from '../token-label.ts';

export const fill = defineCommand({
  name: 'fill',
  summary: 'finds the words behind the masks of a text, with their probabilities.',
  positionals: [
    { name: 'MODEL', help: 'a masked language model: folder, or a model on the hub, org/name' },
    { name: '[TEXT]', help: `the text, with [MASK], <mask> or whatever the model calls it; ${FROM_LINES}` },
  ],
  options: {
    'top-k': { kind: 'integer', short: 'k', value: 'K', min: 1, help: 'words for each mask (default 5)' },
    target: { kind: 'list', value: 'WORD', help: 'only this word; may be given several times' },
    ...TASK_OPTIONS,
  },
  examples: [
    { line: 'heed fill kleinwelt-bert "Der Hund [MASK] die Katze."', does: 'the five most probable words' },
    {
      line: 'heed fill kleinwelt-bert "Der [MASK] jagt die Maus." --target Hund --target Katze',
      does: 'how two words compare',
    },
    { line: 'heed fill kleinwelt-bert --json -k 1 < examples/data/masks.txt', does: 'a JSON line for each sentence' },
  ],
  async run({ values, positionals: [source, argument], terminal, signal }) {
    const call = { name: 'fill', source: source!, values, terminal, signal };
    const given = await textsOf(argument, 'a text with a mask', call);
    await withTask(call, 'fill-mask', async (pipe, { numbers }) => {
      const targets = values.target.length > 0 ? values.target : undefined;
      const results = await pipe(given.texts, { topK: values['top-k'], targets, signal });
      if (values.json) return terminal.write(jsonLines(results, given));
      const mask = (filled: FilledMask, text: string) =>
        text.slice(0, filled.start) +
        terminal.paint.mark(text.slice(filled.start, filled.end)) +
        text.slice(filled.end);
      terminal.write(
        results
          .map((filled, i) => {
            const count = Math.max(...filled.map(({ mask }) => mask)) + 1;
            const parts = Array.from({ length: count }, (_, m) => filled.filter(one => one.mask === m));
            return parts
              .map(part => {
                const head = given.isStream || count > 1 ? `${mask(part[0]!, given.texts[i]!)}\n` : '';
                const rows = part.map(one => ({ name: quote(one.tokenStr), score: one.score, rest: one.sequence }));
                return head + scoreBars(rows, terminal, numbers);
              })
              .join('\n');
          })
          .join('\n'),
      );
    });
  },
});
