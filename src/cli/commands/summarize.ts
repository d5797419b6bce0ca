/** `heed summarize`: a short text for a long one. */
import { defineCommand } from '../command.ts';
import { ANSWER_OPTIONS, generationSettings } from '../generation-options.ts';
import { textOf, textsOf } from '../read-text.ts';
import { jsonLines, TASK_OPTIONS, withTask } from '../task-call.ts';
import { writeText } from '../written-texts.ts';

export const summarize = defineCommand({
  name: 'summarize',
  summary: 'writes a short text for a long one, word by word as it comes.',
  positionals: [
    { name: 'MODEL', help: 'an encoder-decoder that was trained for it: folder, or a model on the hub, org/name' },
    { name: '[TEXT]', help: 'the text; - or nothing reads standard input, all of it' },
  ],
  options: {
    lines: { kind: 'flag', help: 'standard input is a text per line' },
    truncate: { kind: 'flag', help: 'leave the end of a text out that is too long for the model' },
    ...ANSWER_OPTIONS,
    ...TASK_OPTIONS,
  },
  examples: [
    { line: 'heed summarize kleinwelt-marian < examples/data/story.txt', does: 'a story in a few sentences' },
    {
      line: 'heed summarize kleinwelt-marian --beams 4 -n 40 --truncate < examples/data/story.txt',
      does: 'with other settings',
    },
    {
      line: 'heed summarize kleinwelt-marian --lines --json < examples/data/story.txt',
      does: 'a JSON line for each line',
    },
  ],
  async run({ values, positionals: [source, argument], terminal, signal }) {
    const call = { name: 'summarize', source: source!, values, terminal, signal };
    const given = values.lines
      ? await textsOf(argument, 'a text', call)
      : { texts: [(await textOf(argument, 'a text', call)).trim()], isStream: false };
    await withTask(call, 'summarization', async pipe => {
      const options = { ...generationSettings(ANSWER_OPTIONS, values), truncation: values.truncate, signal };
      if (values.json) return terminal.write(jsonLines(await pipe(given.texts, options), given));
      for (const text of given.texts) await writeText(pipe.stream(text, options), terminal);
    });
  },
});
