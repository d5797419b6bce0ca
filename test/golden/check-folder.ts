/** All checks of one checkpoint folder. */
import { UnsupportedError } from '../../src/errors.ts';
import { load } from '../../src/hub/load.ts';
import type { Model } from '../../src/hub/model.ts';
import type { HeadName } from '../../src/models/architecture.ts';
import type { Backend } from '../../src/tensor/index.ts';
import { adapterChecks } from './adapters.ts';
import { broken, type Check } from './compare.ts';
import { diffusionChecks } from './diffusion.ts';
import { forwardChecks } from './forward.ts';
import { generationChecks } from './generation.ts';
import { ggufChecks, ggufFolders } from './gguf.ts';
import { type Golden, type GoldenFiles, listFolders, readGolden } from './golden-files.ts';
import { gradientChecks } from './gradients.ts';
import { perplexityChecks } from './perplexity.ts';
import { modelFor } from './seen-length.ts';
import { sessionChecks, sourceSessionChecks } from './session.ts';
import { torchChecks, torchFolders } from './torch.ts';
import { trainChecks } from './train.ts';

export interface FolderResult {
  readonly folder: string;
  readonly checks: readonly Check[];
  /** Why nothing was checked. */
  readonly skipped?: string | undefined;
  /** Errors that ended a group of checks early; each is a failed check too. */
  readonly errors: readonly unknown[];
}

/** Loads a folder and compares whatever the reference computed from it. Reports errors as failed checks. */
export async function checkFolder(files: GoldenFiles, folder: string, backend: Backend): Promise<FolderResult> {
  if (folder === DIFFUSION || folder === 'gguf' || folder.startsWith('torch/'))
    return checkFormulas(files, folder, backend);
  if (await files.read(`${folder}/adapter_config.json`)) return checkAdapter(files, folder, backend);
  const golden = await readGolden(files, folder);
  const config = await files.read(`${folder}/config.json`);
  const skipped = !config ? 'no config.json: not a whole model' : !golden ? 'no reference results' : undefined;
  if (!config || !golden) return { folder, checks: [], skipped, errors: [] };

  let model: Model;
  let head: HeadName | undefined;
  try {
    // The same weights in another layout are compared under the head that the reference ran.
    if (golden.folder !== folder) head = await headOfFolder(files, golden.folder, backend);
    model = await load(files.model(folder), { backend, head });
  } catch (error) {
    if (error instanceof UnsupportedError) return { folder, checks: [], skipped: reason(error), errors: [] };
    return { folder, checks: [broken('load', `${error}`)], errors: [error] };
  }
  const { checks, errors, collect } = collector();
  try {
    for (const [group, from] of groups(model, golden)) await collect(group, from);
  } finally {
    model.dispose();
  }
  const batch = golden.cases.get('batch');
  if (golden.gradients && batch) {
    const trainable = await load(files.model(folder), { backend, head, trainable: true });
    await collect(
      'gradients',
      gradientChecks(modelFor(trainable, golden)('forward', 'batch'), batch, golden.gradients),
    );
    await collect('train', trainChecks(files, golden, trainable));
    trainable.dispose();
  }
  return { folder, checks, errors };
}

/** An adapter's folder: its model is the one beside it that it names. */
async function checkAdapter(files: GoldenFiles, folder: string, backend: Backend): Promise<FolderResult> {
  const { checks, errors, collect } = collector();
  await collect('adapter', adapterChecks(files, folder, backend));
  return { folder, checks, errors };
}

async function headOfFolder(files: GoldenFiles, folder: string, backend: Backend): Promise<HeadName> {
  const model = await load(files.model(folder), { backend });
  model.dispose();
  return model.parts.head;
}

/** Gathers checks; an error ends its group and is a failed check. */
function collector() {
  const checks: Check[] = [];
  const errors: unknown[] = [];
  const collect = async (group: string, from: AsyncIterable<Check>) => {
    try {
      for await (const check of from) checks.push(check);
    } catch (error) {
      errors.push(error);
      checks.push(broken(group, `${error}`));
    }
  };
  return { checks, errors, collect };
}

const DIFFUSION = 'diffusion';
/** Names of everything that can be checked: checkpoints, and folders with formulas and procedures. */
export async function allFolders(files: GoldenFiles): Promise<string[]> {
  const diffusion = (await files.read(`${DIFFUSION}/sampling.json`)) ? [DIFFUSION] : [];
  return [...(await listFolders(files)), ...diffusion, ...(await ggufFolders(files)), ...(await torchFolders(files))];
}
/** A folder that is no checkpoint. */
async function checkFormulas(files: GoldenFiles, folder: string, backend: Backend): Promise<FolderResult> {
  const { checks, errors, collect } = collector();
  const check = folder === DIFFUSION ? diffusionChecks : folder === 'gguf' ? ggufChecks : torchChecks;
  await collect(folder, check(files, folder, backend));
  return { folder, checks, errors };
}

/** What is not supported, in one line. */
function reason({ message, seen }: UnsupportedError): string {
  const what = message.split(';')[0]!;
  return seen !== undefined && seen.length < 40 ? `${what}: ${seen}` : what;
}

function groups(model: Model, golden: Golden): [name: string, checks: AsyncIterable<Check>][] {
  const choose = modelFor(model, golden);
  const made: [string, AsyncIterable<Check>][] = [];
  for (const [name, expected] of golden.cases) {
    const chosen = choose('forward', name);
    made.push([name, forwardChecks(chosen, name, expected)]);
    if (model.parts.head === 'causalLM' && name !== 'batch')
      made.push([`${name}/session`, sessionChecks(chosen, name, expected)]);
    if (model.parts.head === 'seq2seqLM') made.push([`${name}/session`, sourceSessionChecks(chosen, name, expected)]);
  }
  if (golden.generation) made.push(['generation', generationChecks(choose, golden.generation)]);
  if (golden.perplexity) made.push(['perplexity', perplexityChecks(model, golden.perplexity)]);
  return made;
}
