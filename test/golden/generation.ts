/** Generated ids, their log-probabilities and the scores of beams. */
import { type GeneratedSequence, type GenerateOptions, optionsFromConfig } from '../../src/generate/index.ts';
import { Model } from '../../src/hub/model.ts';
import { type Check, compareFloats, compareIds } from './compare.ts';
import type { GenerationFile } from './golden-files.ts';
import type { ModelFor } from './seen-length.ts';

/** The reference was asked for this many. */
const NEW_TOKENS = 20;

/** Checks every case of a generation file. Only the settings of a case count, not the checkpoint's own. */
export async function* generationChecks(model: ModelFor, { prompts, cases }: GenerationFile): AsyncGenerator<Check> {
  const [onlyPrompt = ''] = Object.keys(prompts);
  for (const [name, expected] of Object.entries(cases)) {
    const { inputs = onlyPrompt, kwargs = {}, new_tokens, token_logprobs, sequences_scores } = expected;
    const { input_ids, attention_mask } = prompts[inputs]!;
    const rows = input_ids.map((row, b) => row.filter((_, t) => !attention_mask || attention_mask[b]![t] === 1));
    const options = { ...optionsFromConfig(kwargs), maxNewTokens: NEW_TOKENS, logprobs: true };
    const sequences = await generated(model('generate', inputs), rows, options);
    const part = name;
    yield {
      name: 'generated ids',
      part,
      ...compareIds(
        sequences.map(s => s.ids),
        new_tokens,
      ),
    };
    if (token_logprobs) {
      const data = token_logprobs.flat();
      yield {
        name: 'log-probabilities',
        part,
        ...compareFloats(
          sequences.flatMap(s => s.logprobs ?? []),
          { shape: [data.length], data },
        ),
      };
    }
    if (sequences_scores) {
      const reference = { shape: [sequences_scores.length], data: sequences_scores };
      yield {
        name: 'beam scores',
        part,
        ...compareFloats(
          sequences.map(s => s.score ?? Number.NaN),
          reference,
        ),
      };
    }
  }
}

async function generated(
  model: Model,
  rows: number[][],
  options: GenerateOptions,
): Promise<readonly GeneratedSequence[]> {
  // The checkpoint's own settings stay out, but for the token that a decoder starts with.
  const { decoderStartTokenId } = model.parts.defaults;
  const plain = new Model({ ...model.parts, defaults: { decoderStartTokenId } });
  for await (const event of plain.generateIds(rows, options)) if (event.type === 'done') return event.sequences;
  throw new Error('generation ended without a result');
}
