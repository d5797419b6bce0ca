/** Options of the commands that write token by token. */
import type { GenerateTextOptions } from '../generate/index.ts';
import { grouped, type OptionTable } from './command.ts';

export const LENGTH_OPTIONS = grouped('Length', {
  'max-new-tokens': {
    kind: 'integer',
    sets: 'maxNewTokens',
    short: 'n',
    value: 'N',
    min: 1,
    help: 'most tokens to generate (default 256, or what fits the context)',
  },
  'min-new-tokens': {
    kind: 'integer',
    sets: 'minNewTokens',
    value: 'N',
    min: 0,
    help: 'no end before this many tokens',
  },
  stop: { kind: 'list', value: 'TEXT', help: 'end at this text; may be given several times' },
  overflow: {
    kind: 'text',
    sets: 'overflow',
    value: 'HOW',
    choices: ['error', 'truncate', 'slide'],
    help: 'when the context is full: error (default), truncate the prompt, or slide on',
  },
});

export const SAMPLING_OPTIONS = grouped('Choice of tokens', {
  greedy: { kind: 'flag', help: 'always the most probable token, whatever the model folder says' },
  temperature: {
    kind: 'number',
    sets: 'temperature',
    short: 't',
    value: 'X',
    min: 0,
    help: 'sample: below 1 bolder, above 1 more varied, 0 greedy',
  },
  'top-k': { kind: 'integer', sets: 'topK', value: 'K', min: 0, help: 'sample from the K most probable tokens' },
  'top-p': {
    kind: 'number',
    sets: 'topP',
    value: 'P',
    help: 'sample from the most probable tokens that together hold P',
  },
  'min-p': {
    kind: 'number',
    sets: 'minP',
    value: 'P',
    help: 'sample from tokens with at least P times the best probability',
  },
  'typical-p': {
    kind: 'number',
    sets: 'typicalP',
    value: 'P',
    help: 'sample from the most typical tokens that together hold P',
  },
  seed: { kind: 'integer', sets: 'seed', value: 'N', help: 'makes sampling repeatable' },
  'repetition-penalty': {
    kind: 'number',
    sets: 'repetitionPenalty',
    value: 'X',
    help: 'above 1: tokens of the context become less likely',
  },
  'presence-penalty': {
    kind: 'number',
    sets: 'presencePenalty',
    value: 'X',
    help: 'subtracted once from the score of every token that was generated',
  },
  'frequency-penalty': {
    kind: 'number',
    sets: 'frequencyPenalty',
    value: 'X',
    help: 'subtracted for each time it was generated',
  },
});

/** Several candidates side by side. */
export const SEARCH_OPTIONS = grouped('Choice of tokens', {
  beams: { kind: 'integer', sets: 'numBeams', value: 'N', min: 1, help: 'beam search with N beams' },
  'num-return-sequences': {
    kind: 'integer',
    sets: 'numReturnSequences',
    value: 'N',
    min: 1,
    help: 'several results (sampling or beams)',
  },
});

/** All of them, for the commands that go on with a text. */
export const CONTINUATION_OPTIONS = { ...LENGTH_OPTIONS, ...SAMPLING_OPTIONS, ...SEARCH_OPTIONS } as const;

/** What matters most of them, for the commands that answer a text with another. */
export const ANSWER_OPTIONS = grouped('Writing', {
  'max-new-tokens': { ...LENGTH_OPTIONS['max-new-tokens'], help: 'most tokens to write' },
  beams: SEARCH_OPTIONS.beams,
  temperature: SAMPLING_OPTIONS.temperature,
  seed: SAMPLING_OPTIONS.seed,
});

/** What the options of a table set in a generation. */
export const generationSettings = (
  table: OptionTable,
  values: Readonly<Record<string, unknown>> & { readonly stop?: readonly string[]; readonly greedy?: boolean },
): GenerateTextOptions => ({
  ...Object.fromEntries(
    Object.entries(table).flatMap(([name, { sets }]) => (sets === undefined ? [] : [[sets, values[name]]])),
  ),
  doSample: values.greedy ? false : undefined,
  // A shell hands \n over as two characters.
  stopStrings: values.stop?.length ? values.stop.map(text => text.replaceAll('\\n', '\n')) : undefined,
});

/** Why options cannot stand together, if they cannot. */
export function contradiction(values: {
  readonly greedy: boolean;
  readonly temperature?: number | undefined;
}): string | undefined {
  return values.greedy && values.temperature ? '--greedy and --temperature contradict each other' : undefined;
}
