/** `heed classify`: classes of a text or a picture, also of labels that a model was never trained on. */
import { defineCommand, UsageError } from '../command.ts';
import { FROM_LINES } from '../options.ts';
import { textsOf } from '../read-text.ts';
import { scoreBars } from '../score-bars.ts';
import { jsonLines, TASK_OPTIONS, withModel } from '../task-call.ts';

const TOP_K = 5;

export const classify = defineCommand({
  name: 'classify',
  summary: 'says what class a text or a picture is of, with the probabilities.',
  positionals: [
    { name: 'MODEL', help: 'a classifier of texts or images: folder, or a model on the hub, org/name' },
    { name: '[TEXT]', help: `the text, or for a model of images the path of a picture; ${FROM_LINES}` },
  ],
  options: {
    'top-k': { kind: 'integer', short: 'k', value: 'K', min: 1, help: 'classes to show (default 5)' },
    pair: { kind: 'text', value: 'TEXT', help: 'a second text that is read with the first' },
    label: {
      kind: 'list',
      value: 'NAME',
      help: 'choose among labels of your own, with a model of natural language inference; give at least one',
    },
    template: { kind: 'text', value: 'TEXT', help: 'the sentence for --label, with {} for it ("This example is {}.")' },
    'multi-label': { kind: 'flag', help: 'with --label: each for itself, several may be true' },
    ...TASK_OPTIONS,
  },
  examples: [
    { line: 'heed classify kleinwelt-bert-sentiment "Das war ein schöner Abend."', does: 'its classes as bars' },
    {
      line: 'heed classify facebook/bart-large-mnli "The team won 3 to 1." --label sport --label politics',
      does: 'labels that the model was not trained on',
    },
    { line: 'heed classify google/vit-base-patch16-224 examples/data/house.ppm -k 3', does: 'what a picture shows' },
    {
      line: 'heed classify kleinwelt-bert-sentiment --json < examples/data/sentences.txt',
      does: 'a JSON line for each line',
    },
  ],
  async run({ values, positionals: [source, argument], terminal, signal }) {
    const call = { name: 'classify', source: source!, values, terminal, signal };
    const { label: candidateLabels, template: hypothesisTemplate, pair: textPair } = values;
    if (candidateLabels.length === 0 && (hypothesisTemplate !== undefined || values['multi-label']))
      throw new UsageError('--template and --multi-label are about --label: give at least one', 'classify');
    if (candidateLabels.length > 0 && textPair !== undefined)
      throw new UsageError(
        '--pair and --label exclude each other: a label takes the place of the second text',
        'classify',
      );
    const given = await textsOf(argument, 'a text', call);
    await withModel(call, async ({ model, numbers, pipeline }) => {
      const topK = values['top-k'] ?? TOP_K;
      const show = (results: readonly unknown[], bars: readonly (readonly { name: string; score: number }[])[]) => {
        if (values.json) return terminal.write(jsonLines(results, given));
        const heads = given.texts.map(text => (given.isStream ? `${terminal.paint.bold(text)}\n` : ''));
        terminal.write(bars.map((rows, i) => heads[i]! + scoreBars(rows, terminal, numbers)).join('\n'));
      };
      if (candidateLabels.length > 0) {
        const choose = await pipeline('zero-shot-classification');
        const options = { candidateLabels, hypothesisTemplate, multiLabel: values['multi-label'], signal };
        const results = await choose(given.texts, options);
        const bars = results.map(({ labels, scores }) => labels.map((name, i) => ({ name, score: scores[i]! })));
        return show(
          results,
          bars.map(rows => rows.slice(0, topK)),
        );
      }
      const isImage = model.parts.architecture.modality === 'image';
      const results = isImage
        ? await (await pipeline('image-classification'))(given.texts, { topK, signal })
        : await (await pipeline('text-classification'))(
            given.texts.map(text => ({ text, textPair })),
            { topK, signal },
          );
      show(
        results,
        results.map(labels => labels.map(({ label, score }) => ({ name: label, score }))),
      );
    });
  },
});
