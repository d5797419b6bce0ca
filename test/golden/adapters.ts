/** Adapters: outputs of the model with one and after it is merged, and the gradient of everything that was trained. */
import type { Adapter } from '../../src/hub/adapters.ts';
import { load, loadAdapter } from '../../src/hub/load.ts';
import { mergeAdapter } from '../../src/hub/merge-adapter.ts';
import type { Model } from '../../src/hub/model.ts';
import { type Backend, dataOfAll, gradient, leavesOf } from '../../src/tensor/index.ts';
import { broken, type Check, compareGradient } from './compare.ts';
import { forwardChecks, inputsOf } from './forward.ts';
import { type Golden, type GoldenFiles, readGolden, readJson } from './golden-files.ts';
import { transpose } from './gradients.ts';

/** All checks of an adapter's folder, whose config names the folder of its model, `../gpt2`. */
export async function* adapterChecks(files: GoldenFiles, folder: string, backend: Backend): AsyncGenerator<Check> {
  const golden = await readGolden(files, folder);
  const config = await readJson<{ base_model_name_or_path: string }>(files, `${folder}/adapter_config.json`);
  const base = config?.base_model_name_or_path.replace(/^\.\.\//, '');
  if (!golden || !base) {
    yield broken('adapter', 'no reference results, or no model');
    return;
  }
  const model = await load(files.model(base), { backend, trainable: true });
  const adapter = await loadAdapter(model, files.model(folder), { trainable: true });
  try {
    const adapted = model.withAdapters([{ adapter }]);
    for (const [name, expected] of golden.cases) yield* forwardChecks(adapted, name, expected);
    yield* adapterGradients(adapted, adapter, golden);
    await mergeAdapter(model, adapter);
    for (const [name, expected] of golden.cases) yield* forwardChecks(model, `${name}, merged`, expected);
  } finally {
    adapter.dispose();
    model.dispose();
  }
}

async function* adapterGradients(
  adapted: Model,
  { params, fileNames, transposed }: Adapter,
  golden: Golden,
): AsyncGenerator<Check> {
  // What a loaded adapter keeps besides what was trained has no name in the file.
  const trained = leavesOf(params).filter(([name]) => fileNames.has(name));
  const loss = adapted.graph(inputsOf(golden.cases.get('batch')!)).loss!;
  const gradients = await dataOfAll(
    ...gradient(
      loss,
      trained.map(([, tensor]) => tensor),
    ),
  );
  // In training a name of the adapter, `default`, is part of the names.
  const open = new Map([...golden.gradients!].map(([key, tensor]) => [plainName(key), tensor] as const));
  for (const [i, [name]] of trained.entries()) {
    const key = plainName(fileNames.get(name)!);
    const reference = open.get(key);
    open.delete(key);
    if (!reference) yield broken('gradients', `the reference has none for ${key}`);
    else
      yield {
        name: 'gradients',
        part: name,
        ...compareGradient(gradients[i]!, transposed.has(name) ? transpose(reference) : reference),
      };
  }
  for (const key of open.keys()) yield broken('gradients', `nothing here is the reference's ${key}`);
}
const plainName = (key: string): string =>
  key.replace(/(\.modules_to_save)?\.default/, '').replace(/(lora_magnitude_vector)\.weight$/, '$1');
