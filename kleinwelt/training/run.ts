/** Trains a recipe: the model or the adapter, its log, its curves, and what it took. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../../src/errors.ts';
import { create, createAdapter, load, type Model, quantizeModel, saveAdapter } from '../../src/index.ts';
import { countParams } from '../../src/nn/params.ts';
import { type StepEvent, train, type ValidationEvent } from '../../src/train/index.ts';
import { addToCurves, createRunCurves, curvesSvg, energyOf, startUsageMeter } from '../../src/train/watch/index.ts';
import { type Recipe, recipeName, runName } from './recipe.ts';
import { streamBatches } from './stream.ts';
import { inMemory, type TokenizerName } from './tokenizers.ts';

/** What a run took, kept beside the model. */
export interface RunFacts {
  readonly recipe: string;
  readonly seed: number;
  readonly steps: number;
  readonly parameters: number;
  readonly learned: number;
  readonly tokens: number;
  readonly seconds: number;
  readonly wattHours: number;
  readonly energyMethod: 'measured' | 'estimated';
  readonly gramsCo2: number;
  readonly loss: number;
  readonly validationLoss: number;
  readonly engine: string;
  readonly threads: number;
  /** What else is to be known. */
  readonly note?: string | undefined;
}
export interface RunOptions {
  /** The folder `models/`. */
  readonly models: string;
  /** The files of a tokenizer. */
  readonly tokenizerFiles: (name: TokenizerName) => Promise<Readonly<Record<string, string>>>;
  readonly seed: number;
  /** Instead of the recipe's, to try something out. */
  readonly steps?: number | undefined;
  /** Begin with the parameters that are there, in place of random ones: another run of the same recipe. */
  readonly again?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: (recipe: Recipe, event: StepEvent | ValidationEvent, steps: number) => void;
}
/** Logs and curves: of the repository, not of the package. */
const RUNS = fileURLToPath(new URL('../runs', import.meta.url));
/** Lines of the log, validations of a run, batches of a validation. */
const [LINES, VALIDATIONS, VALIDATION_BATCHES] = [200, 10, 16];
/** Held-out rows for watching a run; scores use others. */
const WATCH_SEED = 77;

/** Trains and writes `models/<name>`. @throws what `train` throws */
export async function runRecipe(recipe: Recipe, options: RunOptions): Promise<RunFacts> {
  const { models, seed, signal } = options;
  const folder = join(models, recipe.name, recipe.folder ?? '');
  const steps = options.steps ?? recipe.train.maxSteps;
  const trained = await beginning(recipe, options);
  const { model } = trained;
  const objective = recipe.objective(model.tokenizer);
  const stream = { objective, batchSize: recipe.batchSize };
  const curves = createRunCurves();
  const lines: string[] = [];
  const usage = await startUsageMeter();
  let [tokens, loss, validationLoss, learned] = [0, Number.NaN, Number.NaN, 0];
  const every = Math.max(1, Math.floor(steps / LINES));
  for await (const event of train(model, {
    evalSteps: Math.max(1, Math.floor(steps / VALIDATIONS)),
    ...recipe.train,
    maxSteps: steps,
    seed,
    ...{ signal, batches: streamBatches({ ...stream, rows: recipe.rows, seed: seed + 1 }) },
    validation: streamBatches({ ...stream, rows: recipe.heldOut, seed: WATCH_SEED, batches: VALIDATION_BATCHES }),
  })) {
    addToCurves(curves, event);
    if (event.type === 'start') learned = event.trainable;
    if (event.type === 'step') {
      tokens += event.tokens;
      loss = Number.isNaN(loss) ? event.loss : 0.98 * loss + 0.02 * event.loss;
      if (event.step % every === 0)
        lines.push(JSON.stringify({ step: event.step, loss: rounded(event.loss), rate: event.learningRate, tokens }));
    }
    if (event.type === 'validation') {
      validationLoss = event.loss;
      lines.push(JSON.stringify({ step: event.step, validation: rounded(event.loss) }));
    }
    if (event.type === 'step' || event.type === 'validation') options.onStep?.(recipe, event, steps);
  }
  signal?.throwIfAborted();
  const energy = energyOf(await usage.read());
  await mkdir(folder, { recursive: true });
  await trained.save(folder);
  if (recipe.packed) await pack(folder, recipe.packed);
  const facts: RunFacts = {
    ...{ recipe: recipeName(recipe), seed, steps, tokens, learned },
    parameters: countParams(trained.spec),
    seconds: Math.round((await usage.read()).milliseconds / 1000),
    wattHours: rounded(1000 * energy.kilowattHours),
    energyMethod: energy.method,
    gramsCo2: rounded(energy.grams),
    ...{ loss: rounded(loss), validationLoss: rounded(validationLoss) },
    engine: `Node ${process.version}`,
    threads: threadsOf(model),
  };
  await mkdir(join(folder, 'training'), { recursive: true });
  await writeFile(join(folder, 'training', 'facts.json'), `${JSON.stringify(facts, null, 2)}\n`);
  const run = join(RUNS, runName(recipe));
  await mkdir(run, { recursive: true });
  await writeFile(join(run, 'log.jsonl'), `${lines.join('\n')}\n`);
  await writeFile(join(run, 'curves.svg'), curvesSvg(curves, { language: 'en' }));
  trained.dispose();
  return facts;
}

/** One file in the place of what was saved. */
async function pack(folder: string, type: NonNullable<Recipe['packed']>): Promise<void> {
  await quantizeModel(folder, join(folder, `model-${type}.gguf`), { type, overwrite: true });
  const saved = [
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ];
  for (const name of saved) await rm(join(folder, name), { force: true });
}
const rounded = (x: number): number => Number(x.toPrecision(6));

interface Trained {
  readonly model: Model;
  /** Declarations of the parameters. */
  readonly spec: Parameters<typeof countParams>[0];
  save(folder: string): Promise<unknown>;
  dispose(): void;
}

async function beginning(recipe: Recipe, { models, tokenizerFiles, seed, again }: RunOptions): Promise<Trained> {
  const { from, head } = recipe;
  if ('config' in from) {
    const fresh = async () => {
      const tokenizer = inMemory(await tokenizerFiles(from.tokenizer), from.tokenizer);
      return create(from.config, { head, seed, tokenizer });
    };
    const folder = join(models, recipe.name, recipe.folder ?? '');
    const model = again ? await load(folder, { head, trainable: true }) : await fresh();
    expectSpecialIds(from.config, model.tokenizer, recipeName(recipe));
    const spec = Object.fromEntries(model.parts.specs);
    return {
      model,
      spec,
      save: folder => model.save(folder, { dtype: 'f16', overwrite: true }),
      dispose: () => model.dispose(),
    };
  }
  const labels = from.labels ?? undefined;
  const base = await load(join(models, from.base), {
    head,
    trainable: true,
    ...(head !== 'base' && { newHead: { ...(labels && { labels }), seed } }),
  });
  const adapter = await createAdapter(base, { r: from.r, alpha: 2 * from.r, seed });
  const model = base.withAdapters([{ adapter }]);
  return {
    ...{ model, spec: Object.fromEntries(base.parts.specs) },
    async save(folder) {
      await saveAdapter(adapter, folder, { dtype: 'f16', overwrite: true });
      // By its name it is found wherever the package lies.
      const path = join(folder, 'adapter_config.json');
      const config = JSON.parse(await readFile(path, 'utf8')) as object;
      await writeFile(path, `${JSON.stringify({ ...config, base_model_name_or_path: from.base }, null, 2)}\n`);
    },
    dispose: () => base.dispose(),
  };
}

/** A config that counts on other ids than the tokenizer has would train well and never end a text. */
function expectSpecialIds(
  config: Readonly<Record<string, unknown>>,
  tokenizer: Model['tokenizer'],
  where: string,
): void {
  for (const kind of ['eos', 'pad', 'mask'] as const) {
    const [seen, expected] = [config[`${kind}_token_id`], tokenizer.specialTokens[kind]];
    if (seen !== undefined && seen !== expected)
      throw new ConfigError(`${kind}_token_id is not the tokenizer's`, {
        seen: String(seen),
        expected: String(expected),
        where,
      });
  }
}

const threadsOf = ({ parts }: Model): number => (parts.backend as { readonly threads?: number }).threads ?? 1;
