/** Trains bundled models by name, one after the other, with a line of progress for each. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../../src/errors.ts';
import { RECIPES } from '../recipes/index.ts';
import { type Recipe, recipeName } from './recipe.ts';
import { type RunFacts, type RunOptions, runRecipe } from './run.ts';
import { tokenizerTexts } from './tokenizer-texts.ts';
import { type TokenizerName, tokenizerFiles, writeFiles } from './tokenizers.ts';

export interface TrainAllOptions extends Pick<RunOptions, 'models' | 'seed' | 'steps' | 'again' | 'signal' | 'onStep'> {
  /** Names of recipes, `kleinwelt-llama`, or of models with all their parts. Default: all. */
  readonly names?: readonly string[] | undefined;
  readonly onDone?: ((recipe: Recipe, facts: RunFacts) => void) | undefined;
}

/** @throws ConfigError for a name that no recipe has */
export async function trainAll({ names, onDone, ...options }: TrainAllOptions): Promise<void> {
  const chosen = recipesOf(names);
  const files = (name: TokenizerName) => keptTokenizer(name, join(options.models, TOKENIZER_FOLDER, name));
  for (const recipe of chosen) onDone?.(recipe, await runRecipe(recipe, { ...options, tokenizerFiles: files }));
}

function recipesOf(names: readonly string[] | undefined): readonly Recipe[] {
  if (!names?.length) return RECIPES;
  const known = (recipe: Recipe) => [recipe.name, recipeName(recipe)];
  const strange = names.find(name => !RECIPES.some(recipe => known(recipe).includes(name)));
  if (strange !== undefined)
    throw new ConfigError('no such recipe', { seen: strange, expected: RECIPES.map(recipeName).join(', ') });
  return RECIPES.filter(recipe => known(recipe).some(name => names.includes(name)));
}

/** A tokenizer in `models/kleinwelt-tokenizers`; one that is not there is learned and kept there. */
async function keptTokenizer(name: TokenizerName, folder: string): Promise<Readonly<Record<string, string>>> {
  const kept = await filesIn(folder);
  if (kept) return kept;
  const files = await tokenizerFiles(name, tokenizerTexts(name));
  await writeFiles(folder, files);
  return files;
}
export const TOKENIZER_FOLDER = 'kleinwelt-tokenizers';

async function filesIn(folder: string): Promise<Readonly<Record<string, string>> | undefined> {
  const names = ['tokenizer.json', 'tokenizer_config.json'];
  const texts = await Promise.all(names.map(name => readFile(join(folder, name), 'utf8').catch(undefinedIfAbsent)));
  return texts.includes(undefined) ? undefined : Object.fromEntries(names.map((name, i) => [name, texts[i]!]));
}
function undefinedIfAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
