/** The card of a bundled model: what it is, what it learned from, what that took, what it scores, what it cannot do. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundledName } from '../../src/hub/bundled.ts';
import { RECIPES } from '../recipes/index.ts';
import { keptScores } from '../scores/index.ts';
import { reached, type Score, shown } from '../scores/score.ts';
import { type Recipe, runName } from './recipe.ts';
import type { RunFacts } from './run.ts';

/** What is tried first, as a line for the command line; `test/cli/help-examples.test.ts` runs each. */
export const TRY: Readonly<Record<BundledName, readonly string[]>> = {
  'kleinwelt-llama': ['heed run kleinwelt-llama "Der Hund" --temperature 0.7 --show-probs'],
  'kleinwelt-bert': ['heed fill kleinwelt-bert "Der Hund [MASK] die Katze."'],
  'kleinwelt-bert-sentiment': ['heed classify kleinwelt-bert-sentiment "Die Suppe ist nicht gut."'],
  'kleinwelt-bert-entities': ['heed tokens kleinwelt-bert-entities "Anna Berger wohnt in Seedorf."'],
  'kleinwelt-bert-answers': ['heed answer kleinwelt-bert-answers "Wen jagt der Hund?" "Der Hund jagt die Katze."'],
  'kleinwelt-bert-sentences': ['heed embed kleinwelt-bert-sentences "Der Hund jagt die Katze."'],
  'kleinwelt-marian': ['heed translate kleinwelt-marian "Der Hund jagt die Katze." --from de --to en'],
  'kleinwelt-diffusion': ['heed denoise kleinwelt-diffusion "" -n 24'],
  'kleinwelt-edits': ['heed edit kleinwelt-edits "" --top-p 0.9'],
  'kleinwelt-lstm': ['heed run kleinwelt-lstm "Der Hund" --temperature 0.7'],
};

/** Writes `README.md` beside the weights. @param models the folder `models/` */
export async function writeCard(name: BundledName, models: string): Promise<void> {
  const recipes = RECIPES.filter(recipe => recipe.name === name);
  const runs = await Promise.all(recipes.map(async recipe => ({ recipe, facts: await factsOf(recipe, models) })));
  const scores = await keptScores(name, models);
  const { recipe } = runs[0]!;
  const base = 'base' in recipe.from ? recipe.from.base : undefined;
  await writeFile(
    join(models, name, 'README.md'),
    [
      `# ${name}`,
      `${recipe.title}. One of the small models that come with heed, trained by heed itself on Kleinwelt: a world of some 450 words in German and English, whose grammar is known (\`kleinwelt/\`).`,
      base ? `An adapter (LoRA) on \`${base}\`, in PEFT's layout: \`load('${name}')\` loads both.` : undefined,
      fence(TRY[name]),
      '## Training',
      'Every text was made while training and seen once; held-out texts share no sentence with them, and about 5 % of the combinations of words were never seen. Again: `npm run kleinwelt -- train ' +
        name +
        '`.',
      ...runs.flatMap(({ recipe, facts }) => [
        recipe.part ? `### ${recipe.part}` : undefined,
        table([
          ['parameters', 'that learned', 'steps', 'batch', 'tokens counted', 'rate', 'time', 'energy', 'held-out loss'],
          [
            ...[count(facts.parameters), count(facts.learned), count(facts.steps), String(recipe.batchSize)],
            ...[count(facts.tokens), String(recipe.train.learningRate), `${Math.round(facts.seconds / 60)} min`],
            ...[`${facts.wattHours.toFixed(1)} Wh (${facts.energyMethod}), ${facts.gramsCo2.toFixed(1)} g CO2`],
            facts.validationLoss.toFixed(4),
          ],
        ]),
        `${facts.engine}, ${facts.threads} thread${facts.threads === 1 ? '' : 's'} of a laptop's processor that others used as well; seed ${facts.seed}.${facts.note ? ` ${facts.note}` : ''}`,
        `![losses](../../kleinwelt/runs/${runName(recipe)}/curves.svg)`,
      ]),
      '## Scores',
      scores.length ? scoreTable(scores) : 'Not measured.',
      `With 95 % intervals, on held-out data; measured by \`npm run kleinwelt -- score ${name}\`.`,
      '## Limits',
      'It knows Kleinwelt and nothing else: other words, other kinds of sentences and longer texts are noise to it. It is for learning, demonstration and tests. The people in its texts are invented.',
    ]
      .filter(part => part !== undefined)
      .join('\n\n') + '\n',
  );
}

const factsOf = async ({ name, folder = '' }: Recipe, models: string): Promise<RunFacts> =>
  JSON.parse(await readFile(join(models, name, folder, 'training', 'facts.json'), 'utf8')) as RunFacts;

const count = (n: number): string => n.toLocaleString('en-US');
const fence = (lines: readonly string[]): string => `\`\`\`\n${lines.join('\n')}\n\`\`\``;
function table([head, ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head!), line(head!.map(() => '---')), ...rows.map(line)].join('\n');
}

export function scoreTable(scores: readonly Score[]): string {
  const mark = (score: Score) => {
    const done = reached(score);
    if (done === undefined) return '';
    const sign = score.unit === 'ratio' ? 'at most' : 'at least';
    return `${sign} ${shown(score, score.goal!)}${done ? '' : ' (missed)'}`;
  };
  return table([
    ['score', 'value', '95 % interval', 'items', 'goal', 'what'],
    ...scores.map(score => [
      ...[score.name, shown(score, score.value), `${shown(score, score.low)} to ${shown(score, score.high)}`],
      ...[String(score.items), mark(score), score.what],
    ]),
  ]);
}
