/** `heed finetune`: a model that is there learns from data of yours, as a whole, in parts, or by an adapter. */
import { createAdapter } from '../../hub/create-adapter.ts';
import { saveAdapter } from '../../hub/save-adapter.ts';
import type { ParameterChoice } from '../../train/index.ts';
import { defineCommand, grouped, UsageError, type Values } from '../command.ts';
import { openModel } from '../open-model.ts';
import { headToLoad, modulesOfHead } from '../training-head.ts';
import { DATA_OPTIONS, FOLDER_OPTIONS, LEARNING_OPTIONS, RUN_OUTPUT_OPTIONS } from '../training-options.ts';
import { columnNames, OBJECTIVE_OPTION, resolveRun, trainModel } from '../training-setup.ts';
import { wordingFor } from '../wording.ts';

const OPTIONS = {
  ...FOLDER_OPTIONS,
  ...DATA_OPTIONS,
  ...OBJECTIVE_OPTION,
  ...grouped('Data', {
    labels: {
      kind: 'list',
      value: 'NAME',
      many: true,
      help: 'classes of a classifier, in order (default: those in the data)',
    },
  }),
  ...grouped('What learns', {
    model: { kind: 'text', value: 'MODEL', help: 'the model, where it is no argument but a setting' },
    only: {
      kind: 'list',
      value: 'NAME',
      help: 'parameters with this in their name, such as h.11.; may be given several times',
    },
    lora: {
      kind: 'integer',
      value: 'R',
      min: 1,
      alone: 8,
      help: 'an adapter of rank R (8), the model itself stays as it is',
    },
    'lora-alpha': { kind: 'number', value: 'X', help: 'it is scaled by X / R (default: twice the rank)' },
    'lora-target': { kind: 'list', value: 'NAME', help: 'layers that get one: q_proj (default: all linear ones)' },
    rslora: { kind: 'flag', help: 'scaled by the root of the rank' },
    dora: { kind: 'flag', help: 'directions and lengths apart' },
  }),
  ...LEARNING_OPTIONS,
  ...RUN_OUTPUT_OPTIONS,
} as const;
type FinetuneValues = Values<typeof OPTIONS>;

/** An adapter starts from nothing and takes larger steps. */
const defaultsOf = ({ lora }: FinetuneValues) =>
  ({ learningRate: lora === undefined ? 2e-5 : 2e-4, lrSchedulerType: 'linear', warmupRatio: 0.03 }) as const;

export const finetune = defineCommand({
  name: 'finetune',
  summary: 'trains a model further on data of yours: all of it, some of its layers, or an adapter (LoRA) beside it.',
  positionals: [{ name: '[MODEL]', help: 'folder, file or name on the hub of the model; with --resume it is known' }],
  options: OPTIONS,
  examples: [
    {
      line: 'heed finetune kleinwelt-llama --data examples/data/story.txt --out ./my-gpt',
      does: 'the whole model, three times through the text',
    },
    {
      line: 'heed finetune kleinwelt-llama --data examples/data/story.txt --lora 4 --out ./my-lora',
      does: 'an adapter, which is small',
    },
    { line: 'heed finetune --resume ./my-lora', does: 'go on where it stopped' },
    {
      line: 'heed finetune kleinwelt-bert-sentiment --data examples/data/moods.csv --only classifier --eval-fraction 0.25 --out ./moods',
      does: 'the last layer of a classifier',
    },
  ],
  async run({ values: given, positionals: [argument], terminal, signal }) {
    if (argument !== undefined && given.model !== undefined)
      throw new UsageError('the model is given twice: as an argument and as --model', 'finetune');
    const run = await resolveRun({ name: 'finetune', options: OPTIONS }, { ...given, model: argument ?? given.model });
    const { values } = run;
    if (values.model === undefined)
      throw new UsageError('MODEL is missing: which model is to learn? A folder, or its name on the hub', 'finetune');
    checkTogether(values);
    const { language, say, numbers } = wordingFor(values, terminal);
    const { lora, quiet, json } = values;
    const seed = values.seed ?? 42;
    const head = await headToLoad({
      ...{ source: values.model, data: values.data, objective: values.objective, labels: values.labels },
      ...{ labelColumn: columnNames(values.column).label, seed, terminal, signal },
    });
    const open = await openModel(values.model, {
      ...{ engine: values, terminal, say, numbers, signal, quiet: quiet || json },
      load: { ...head, trainable: lora === undefined },
    });
    try {
      const shared = {
        ...run,
        command: 'finetune',
        open,
        defaults: defaultsOf(values),
        language,
        terminal,
        signal,
      } as const;
      if (lora === undefined) {
        const { model } = open;
        // A folder with an adapter stays one.
        const use = model.parts.adapters?.[0];
        const save = (folder: string) =>
          use ? saveAdapter(use.adapter, folder, { overwrite: true }) : model.save(folder, { overwrite: true });
        await trainModel({ ...shared, model, save, trainable: onlyNamed(values.only) });
        return;
      }
      const adapter = await createAdapter(open.model, {
        ...{ r: lora, alpha: values['lora-alpha'] ?? 2 * lora, rsLora: values.rslora, dora: values.dora },
        targets: values['lora-target'].length > 0 ? values['lora-target'] : undefined,
        modulesToSave: head.newHead && modulesOfHead(open.model),
        seed,
      });
      try {
        const model = open.model.withAdapters([{ adapter }]);
        await trainModel({ ...shared, model, save: folder => saveAdapter(adapter, folder, { overwrite: true }) });
      } finally {
        adapter.dispose();
      }
    } finally {
      open.close();
    }
  },
});

function checkTogether(values: FinetuneValues): void {
  const { lora, only } = values;
  const without = (['lora-alpha', 'rslora', 'dora'] as const).find(name => values[name]);
  const problem =
    lora !== undefined && only.length > 0
      ? '--only is about the parameters of the model, which --lora leaves as they are: leave one of them out'
      : lora === undefined && (without || values['lora-target'].length > 0)
        ? `--${without ?? 'lora-target'} is about an adapter: add --lora`
        : undefined;
  if (problem) throw new UsageError(problem, 'finetune');
}

const onlyNamed = (parts: readonly string[]): ParameterChoice | undefined =>
  parts.length === 0 ? undefined : name => parts.some(part => name.includes(part));
