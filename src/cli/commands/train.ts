/** `heed train`: a model from nothing, from text files. */
import { create } from '../../hub/create.ts';
import type { HeadName } from '../../models/architecture.ts';
import { defineCommand, type Values } from '../command.ts';
import { checkSize, MODEL_OPTIONS, newConfig } from '../new-model.ts';
import { newTokenizer, TOKENIZER_OPTIONS } from '../new-tokenizer.ts';
import { openBackend } from '../open-model.ts';
import { objectiveNamed } from '../training-objectives.ts';
import { DATA_OPTIONS, FOLDER_OPTIONS, LEARNING_OPTIONS, RUN_OUTPUT_OPTIONS } from '../training-options.ts';
import { OBJECTIVE_OPTION, resolveRun, trainModel } from '../training-setup.ts';
import { wordingFor } from '../wording.ts';
import { workingLine } from '../working-line.ts';

const OPTIONS = {
  ...FOLDER_OPTIONS,
  ...DATA_OPTIONS,
  ...OBJECTIVE_OPTION,
  ...MODEL_OPTIONS,
  ...TOKENIZER_OPTIONS,
  ...LEARNING_OPTIONS,
  ...RUN_OUTPUT_OPTIONS,
} as const;

/** nanoGPT's for small models (Karpathy 2022): what is not asked for is none of the reference's settings for fine-tuning. */
const DEFAULTS = {
  learningRate: 1e-3,
  lrSchedulerType: 'cosine',
  warmupRatio: 0.05,
  minLrRatio: 0.1,
  adamBeta2: 0.99,
  weightDecay: 0.1,
} as const;

export const train = defineCommand({
  name: 'train',
  summary:
    'trains a model from nothing on texts of your own, with a tokenizer that it learns from them or one that is there.',
  positionals: [],
  options: OPTIONS,
  examples: [
    {
      line: 'heed train --data examples/data/story.txt --out ./mine',
      does: 'a small GPT-2, three times through the text',
    },
    { line: 'heed train --resume ./mine', does: 'go on where it stopped' },
    {
      line: 'heed train --data examples/data/story.txt --tokenizer-type characters --context 64 --max-steps 20 --out ./b',
      does: 'a model of characters',
    },
    {
      line: 'heed train --data examples/data/story.txt --config examples/data/llama.json --max-steps 10 --out ./c',
      does: 'any family, by a config.json of its own',
    },
  ],
  async run({ values: given, terminal, signal }) {
    const run = await resolveRun({ name: 'train', options: OPTIONS }, given);
    const { values, out, resume } = run;
    const { language, say, numbers } = wordingFor(values, terminal);
    const line = workingLine(terminal, values.quiet || values.json);
    const { tokenizer, folder } = await newTokenizer({
      ...{ values, out, resume, signal, data: values.data },
      onProgress: ({ done }) => line.show(`${say('learningTokenizer')} ${numbers.count(done)}`),
    }).finally(line.clear);
    const json = await newConfig(values, tokenizer);
    const open = await openBackend(values);
    try {
      const head = headFor(values);
      await checkSize(json, head, open.backend);
      const model = await create(json, {
        ...{ backend: open.backend, tokenizer: folder, seed: values.seed ?? 42, head },
      });
      const save = (into: string) => model.save(into, { overwrite: true });
      await trainModel({ ...run, command: 'train', model, save, open, defaults: DEFAULTS, language, terminal, signal });
    } finally {
      open.backend.close();
    }
  },
});

/** The head that the objective is for. */
const headFor = ({ objective }: Values<typeof OBJECTIVE_OPTION>): HeadName | undefined =>
  objective && objectiveNamed(objective).heads[0];
