/** `heed summarize`: a short text for a long one. */
import { defineCommand, UsageError } from '../command.ts';
import { jsonLines, TASK_OPTIONS, withTask } from '../task-call.ts';
import { WRITING_OPTIONS, writeEach, writingOptions } from '../written-texts.ts';

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
    ...WRITING_OPTIONS,
    ...TASK_OPTIONS,
  },
  examples: [
    { line: 'heed summarize kleinwelt-t5 < examples/data/story.txt', does: 'a story in a few sentences' },
    {
      line: 'heed summarize kleinwelt-t5 --beams 4 -n 40 --truncate < examples/data/story.txt',
      does: 'with other settings',
    },
    { line: 'heed summarize kleinwelt-t5 --lines --json < examples/data/story.txt', does: 'a JSON line for each line' },
  ],
  async run({ values, positionals: [source, argument], terminal, signal }) {
    const call = { name: 'summarize', source: source!, values, terminal, signal };
    if (argument === undefined && terminal.keyboard)
      throw new UsageError('a text is missing: give it in quotes, pipe it in, or write - to type it here', 'summarize');
    const isRead = argument === undefined || argument === '-';
    const text = isRead ? await terminal.read(signal) : argument;
    const texts = values.lines ? text.split(/\r?\n/).filter(line => line.trim() !== '') : [text.trim()];
    await withTask(call, 'summarization', async pipe => {
      const options = { ...writingOptions(values), truncation: values.truncate, signal };
      if (values.json) return terminal.write(jsonLines(await pipe(texts, options), { texts, isStream: values.lines }));
      await writeEach(texts, one => pipe.stream(one, options), terminal);
    });
  },
});
