/** `heed edit`: a text corrected by edit diffusion, revision by revision. */
import { defineCommand, grouped } from '../command.ts';
import { FROM_LINES } from '../options.ts';
import { textsOf } from '../read-text.ts';
import { jsonLines, TASK_OPTIONS, withTask } from '../task-call.ts';
import { writeStates } from '../written-texts.ts';

export const edit = defineCommand({
  name: 'edit',
  summary: 'writes or revises a text by edit diffusion, until nothing is left to edit.',
  positionals: [
    {
      name: 'MODEL',
      help: 'an edit diffusion model, with its generator in the folder: folder, or on the hub, org/name',
    },
    { name: '[TEXT]', help: `the draft; "" begins with nothing; ${FROM_LINES}` },
  ],
  options: {
    ...grouped('Edits', {
      steps: { kind: 'integer', value: 'N', min: 1, help: 'most revisions (default 12)' },
      beams: {
        kind: 'integer',
        value: 'N',
        min: 1,
        help: 'beams in which the text of a revision is searched (default 5)',
      },
      'revision-beams': {
        kind: 'integer',
        value: 'N',
        min: 1,
        help: 'texts that are kept from one revision to the next (default 3)',
      },
      'max-new-tokens': {
        kind: 'integer',
        short: 'n',
        value: 'N',
        min: 1,
        help: 'most tokens that a revision writes (default 128)',
      },
      'top-p': { kind: 'number', value: 'P', help: 'draw from the most probable tokens that together hold P' },
      seed: { kind: 'integer', value: 'N', help: 'makes drawing repeatable' },
      from: { kind: 'text', value: 'TEXT', help: 'what the text is made from, for a model that was trained with it' },
    }),
    ...TASK_OPTIONS,
  },
  examples: [
    { line: 'heed edit kleinwelt-edits "" --top-p 0.9', does: 'a sentence from nothing, revision by revision' },
    {
      line: 'heed edit kleinwelt-edits --json < examples/data/sentences.txt',
      does: 'a JSON line for each line, with the number of revisions',
    },
  ],
  async run({ values, positionals: [model, argument], terminal, signal }) {
    const call = { name: 'edit', source: model!, values, terminal, signal };
    const given = await textsOf(argument, 'a text', call);
    await withTask(call, 'text-editing', async (pipe, scene) => {
      const { steps, beams: numBeams, seed, from: source } = values;
      const [revisionBeams, maxNewTokens] = [values['revision-beams'], values['max-new-tokens']];
      const options = { steps, numBeams, revisionBeams, maxNewTokens, topP: values['top-p'], seed, signal };
      const draft = (text: string) => ({ text, source });
      if (values.json) return terminal.write(jsonLines(await pipe(given.texts.map(draft), options), given));
      await writeStates(given.texts, text => pipe.stream(draft(text), options), scene);
    });
  },
});
