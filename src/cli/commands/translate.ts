/** `heed translate`: a text in another language. */
import { defineCommand } from '../command.ts';
import { ANSWER_OPTIONS, generationSettings } from '../generation-options.ts';
import { FROM_LINES } from '../options.ts';
import { textsOf } from '../read-text.ts';
import { jsonLines, TASK_OPTIONS, withTask } from '../task-call.ts';
import { writeText } from '../written-texts.ts';

export const translate = defineCommand({
  name: 'translate',
  summary: 'translates texts with an encoder-decoder, word by word as they come.',
  positionals: [
    { name: 'MODEL', help: 'a translation model: folder, or a model on the hub, org/name' },
    { name: '[TEXT]', help: `the text; ${FROM_LINES}` },
  ],
  options: {
    from: { kind: 'text', value: 'CODE', help: "language of the text, by the model's own codes: en, en_XX, eng_Latn" },
    to: { kind: 'text', value: 'CODE', help: 'language to translate into; models of one pair need neither' },
    ...ANSWER_OPTIONS,
    ...TASK_OPTIONS,
  },
  examples: [
    {
      line: 'heed translate kleinwelt-marian "The dog chases the cat." --from en --to de',
      does: 'from English to German',
    },
    {
      line: 'heed translate facebook/nllb-200-distilled-600M "The dog" --from eng_Latn --to deu_Latn',
      does: 'a model of many languages',
    },
    {
      line: 'heed translate kleinwelt-marian --from en --to de --beams 4 < examples/data/beginnings.txt',
      does: 'each line, by beam search',
    },
  ],
  async run({ values, positionals: [source, argument], terminal, signal }) {
    const call = { name: 'translate', source: source!, values, terminal, signal };
    const given = await textsOf(argument, 'a text', call);
    await withTask(call, 'translation', async pipe => {
      const settings = generationSettings(ANSWER_OPTIONS, values);
      const options = { srcLang: values.from, tgtLang: values.to, ...settings, signal };
      if (values.json) return terminal.write(jsonLines(await pipe(given.texts, options), given));
      for (const text of given.texts) await writeText(pipe.stream(text, options), terminal);
    });
  },
});
