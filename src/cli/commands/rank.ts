/** `heed rank`: texts by how well they fit a query, by a model that reads both together or by the vectors of each. */
import { defineCommand } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { cut, padEnd, padStart } from '../layout.ts';
import { FROM_LINES } from '../options.ts';
import { bar } from '../probability-table.ts';
import { textsOf } from '../read-text.ts';
import { TASK_OPTIONS, type TaskScene, withModel } from '../task-call.ts';

const [SCORE, BAR] = [6, 10];

export const rank = defineCommand({
  name: 'rank',
  summary: 'orders texts by how well they fit a query, the best first.',
  positionals: [
    {
      name: 'MODEL',
      help: 'a cross-encoder, which reads query and text together, or any other model of texts, whose vectors are compared: folder, or on the hub, org/name',
    },
    { name: 'QUERY', help: 'what the texts are to fit: a question, or another text' },
    { name: '[TEXT]', help: `the text; ${FROM_LINES}` },
  ],
  options: {
    'top-k': { kind: 'integer', short: 'k', value: 'K', min: 1, help: 'texts to show (default: all)' },
    ...TASK_OPTIONS,
  },
  examples: [
    {
      line: 'heed rank kleinwelt-bert-sentences "The dog chases the cat." -k 3 < examples/data/sentences.txt',
      does: 'the three nearest in meaning, by the cosines of their vectors',
    },
    {
      line: 'heed rank cross-encoder/ms-marco-MiniLM-L6-v2 "Where is the dog?" < examples/data/sentences.txt',
      does: 'by a model that was trained to rank',
    },
    {
      line: 'heed rank kleinwelt-bert-sentences "Anna schläft." "Anna is sleeping." --json',
      does: 'how near two texts are',
    },
  ],
  async run({ values, positionals: [source, query, argument], terminal, signal }) {
    const call = { name: 'rank', source: source!, values, terminal, signal };
    const { texts } = await textsOf(argument, 'a text', call);
    await withModel(call, async scene => {
      const ranked = (await rankedBy(scene, query!, texts)).slice(0, values['top-k']);
      if (values.json) return terminal.write(`${jsonText(ranked)}\n`);
      const { paint, columns } = terminal;
      const room = Math.max(10, columns - SCORE - BAR - 4);
      for (const { score, text } of ranked) {
        const share = padStart(scene.numbers.fixed(score, 3), SCORE);
        terminal.write(`${share}  ${paint.cyan(padEnd(bar(score, BAR), BAR))}  ${cut(text, room)}\n`);
      }
    });
  },
});

/** A text with its place among those given. */
interface Ranked {
  readonly index: number;
  readonly score: number;
  readonly text: string;
}

async function rankedBy(
  { model, signal, pipeline }: TaskScene,
  query: string,
  texts: readonly string[],
): Promise<readonly Ranked[]> {
  if (model.parts.head === 'sequenceClassification')
    return (await pipeline('reranking'))({ query, documents: texts }, { signal });
  const compare = await pipeline('sentence-similarity');
  const cosines = await compare({ sourceSentence: query, sentences: texts }, { signal });
  return texts.map((text, index) => ({ index, score: cosines[index]!, text })).sort((a, b) => b.score - a.score);
}
