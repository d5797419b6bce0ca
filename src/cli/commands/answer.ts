/** `heed answer`: finds the answer to a question in a text. */
import { defineCommand } from '../command.ts';
import { oneOrAll } from '../json-text.ts';
import { textOf } from '../read-text.ts';
import { scoreBars } from '../score-bars.ts';
import { TASK_OPTIONS, withTask } from '../task-call.ts';

/** Characters of the text that are shown on either side of an answer. */
const AROUND = 60;

export const answer = defineCommand({
  name: 'answer',
  summary: 'finds the words of a text that answer a question.',
  positionals: [
    { name: 'MODEL', help: 'a model of extractive question answering: folder, or a model on the hub, org/name' },
    { name: 'QUESTION', help: 'the question' },
    { name: '[TEXT]', help: 'where the answer stands; - or nothing reads standard input, all of it' },
  ],
  options: {
    'top-k': { kind: 'integer', short: 'k', value: 'K', min: 1, help: 'answers to show (default 1)' },
    'max-length': { kind: 'integer', value: 'N', min: 1, help: 'most tokens of an answer (default 15)' },
    stride: { kind: 'integer', value: 'N', min: 0, help: 'tokens that windows of a long text share (default 128)' },
    'may-be-none': { kind: 'flag', help: 'the text may hold no answer' },
    ...TASK_OPTIONS,
  },
  examples: [
    {
      line: 'heed answer kleinwelt-bert-answers "Wo wohnt Anna?" "Anna wohnt in Berlin."',
      does: 'the answer within its text',
    },
    {
      line: 'heed answer kleinwelt-bert-answers "Wo liegt der Hund?" -k 3 --json < examples/data/story.txt',
      does: 'three answers from a long text',
    },
  ],
  async run({ values, positionals: [source, question, argument], terminal, signal }) {
    const call = { name: 'answer', source: source!, values, terminal, signal };
    const context = await textOf(argument, 'a text', call);
    await withTask(call, 'question-answering', async (pipe, { say, numbers }) => {
      const given = { question: question!, context };
      const answers = await pipe(given, {
        ...{ topK: values['top-k'] ?? 1, maxAnswerLen: values['max-length'], docStride: values.stride, signal },
        handleImpossibleAnswer: values['may-be-none'],
      });
      const list = [answers].flat();
      if (values.json) return terminal.write(oneOrAll(list));
      const rows = list.map(({ answer, score }) => ({ name: answer === '' ? say('noAnswer') : answer, score }));
      const [best] = list;
      if (best && best.answer !== '') {
        const before = context.slice(Math.max(0, best.start - AROUND), best.start).replace(/\s+/g, ' ');
        const after = context.slice(best.end, best.end + AROUND).replace(/\s+/g, ' ');
        const { paint } = terminal;
        terminal.write(`${paint.dim(before)}${paint.mark(best.answer)}${paint.dim(after)}\n\n`);
      }
      terminal.write(scoreBars(rows, terminal, numbers));
    });
  },
});
