/** `heed tokens`: the entities of a text, names, places and what else a model was trained to find. */
import type { EntityGroup, TokenEntity } from '../../tasks/token-classification.ts';
import { defineCommand } from '../command.ts';
import { FROM_LINES } from '../options.ts';
import { textsOf } from '../read-text.ts';
import { jsonLines, TASK_OPTIONS, withTask } from '../task-call.ts';
import type { Paint } from '../terminal.ts';

export const tokens = defineCommand({
  name: 'tokens',
  summary: 'marks the entities of a text: names, places, or what else the model finds.',
  positionals: [
    { name: 'MODEL', help: 'a classifier of tokens: folder, or a model on the hub, org/name' },
    { name: '[TEXT]', help: `the text; ${FROM_LINES}` },
  ],
  options: {
    strategy: {
      kind: 'text',
      value: 'HOW',
      choices: ['none', 'simple', 'first', 'average', 'max'],
      help: 'how tokens become entities: none shows tokens, simple (default) joins them, the others whole words',
    },
    all: { kind: 'flag', help: 'also what is no entity (the label O)' },
    ...TASK_OPTIONS,
  },
  examples: [
    { line: 'heed tokens kleinwelt-bert-entities "Anna wohnt in Berlin."', does: 'the text with its entities marked' },
    {
      line: 'heed tokens kleinwelt-bert-entities "Anna wohnt in Berlin." --strategy first --json',
      does: 'with places and scores',
    },
    {
      line: 'heed tokens kleinwelt-bert-entities --json < examples/data/sentences.txt',
      does: 'a JSON line for each line',
    },
  ],
  async run({ values, positionals: [source, argument], terminal, signal }) {
    const call = { name: 'tokens', source: source!, values, terminal, signal };
    const given = await textsOf(argument, 'a text', call);
    const { strategy = 'simple' } = values;
    await withTask(call, 'token-classification', async (pipe, { say }) => {
      const ignoreLabels = values.all ? [] : undefined;
      const results =
        strategy === 'none'
          ? await pipe(given.texts, { ignoreLabels, signal })
          : await pipe(given.texts, { ignoreLabels, signal, aggregationStrategy: strategy });
      if (values.json) return terminal.write(jsonLines(results, given));
      for (const [i, found] of results.entries()) terminal.write(`${marked(given.texts[i]!, found, terminal.paint)}\n`);
      if (results.every(found => found.length === 0)) terminal.note(`${say('noEntities')}\n`);
    });
  },
});

const COLOURS = ['cyan', 'magenta', 'yellow', 'green', 'blue', 'red'] as const;

/** The text with each entity in brackets and in its label's colour, the label behind it. */
function marked(text: string, found: readonly (TokenEntity | EntityGroup)[], paint: Paint): string {
  const labelOf = (one: TokenEntity | EntityGroup) => ('entity' in one ? one.entity : one.entityGroup);
  const labels = [...new Set(found.map(labelOf))].sort();
  let out = '';
  let at = 0;
  for (const one of found) {
    const colour = COLOURS[labels.indexOf(labelOf(one)) % COLOURS.length]!;
    // Some vocabularies count the space before a word as part of it.
    const [space] = /^\s*/.exec(text.slice(one.start, one.end))!;
    const start = one.start + space.length;
    out += `${text.slice(at, start)}${paint[colour](`[${text.slice(start, one.end)}]`)}${paint.dim(` ${labelOf(one)}`)}`;
    at = one.end;
  }
  return out + text.slice(at);
}
