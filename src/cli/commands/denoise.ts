/** `heed denoise`: a text written by masked diffusion, step by step. */
import { defineCommand, grouped } from '../command.ts';
import { FROM_LINES } from '../options.ts';
import { textsOf } from '../read-text.ts';
import { jsonLines, TASK_OPTIONS, withTask } from '../task-call.ts';
import { writeStates } from '../written-texts.ts';

/** What stands for a hidden token. */
const HIDDEN = '░';

export const denoise = defineCommand({
  name: 'denoise',
  summary: 'writes a text by masked diffusion, all places at once, and shows each step.',
  positionals: [
    { name: 'MODEL', help: 'a masked diffusion or masked language model: folder, or a model on the hub, org/name' },
    { name: '[TEXT]', help: `the beginning, or a text with masks; "" for none; ${FROM_LINES}` },
  ],
  options: {
    ...grouped('Diffusion', {
      length: { kind: 'integer', short: 'n', value: 'N', min: 0, help: 'tokens to write (default 128; 0 with masks)' },
      steps: { kind: 'integer', value: 'N', min: 1, help: 'steps (default: one for each token)' },
      sampler: {
        kind: 'text',
        value: 'HOW',
        choices: ['confidence', 'ancestral'],
        help: 'the surest tokens first (default), or each when its noise ends',
      },
      'block-length': { kind: 'integer', value: 'N', min: 1, help: 'find tokens block by block from the left' },
      temperature: { kind: 'number', short: 't', value: 'X', min: 0, help: 'draw tokens; 0 takes the best' },
      seed: { kind: 'integer', value: 'N', help: 'makes drawing repeatable' },
    }),
    ...TASK_OPTIONS,
  },
  examples: [
    { line: 'heed denoise kleinwelt-diffusion "Der Hund" -n 22', does: 'one more token found at each step' },
    {
      line: 'heed denoise kleinwelt-diffusion "" -n 24 --steps 8 --sampler ancestral --seed 1',
      does: 'a text of its own in eight',
    },
    { line: 'heed denoise kleinwelt-bert "Der [MASK] jagt die [MASK]."', does: 'only what is hidden' },
  ],
  async run({ values, positionals: [source, argument], terminal, signal }) {
    const call = { name: 'denoise', source: source!, values, terminal, signal };
    const given = await textsOf(argument, 'a text', call);
    await withTask(call, 'denoise', async (pipe, scene) => {
      const { length: genLength, steps, sampler, 'block-length': blockLength, temperature, seed } = values;
      const options = { genLength, steps, sampler, blockLength, temperature, seed, signal };
      if (values.json) return terminal.write(jsonLines(await pipe(given.texts, options), given));
      const { paint } = terminal;
      const { tokenizer } = scene.model;
      const mask = tokenizer.idToToken(scene.model.denoiser().maskId) ?? '';
      const shown = (text: string) => (mask === '' ? text : text.replaceAll(mask, paint.dim(HIDDEN)));
      await writeStates(given.texts, text => pipe.stream(text, options), scene, shown);
    });
  },
});
