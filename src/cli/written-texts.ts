/** Texts that a command writes as they come. */
import type { TextEvent } from '../generate/index.ts';
import { grouped, type Values } from './command.ts';
import type { Terminal } from './terminal.ts';

/** How a text is written. */
export const WRITING_OPTIONS = grouped('Writing', {
  'max-new-tokens': {
    kind: 'integer',
    sets: 'maxNewTokens',
    short: 'n',
    value: 'N',
    min: 1,
    help: 'most tokens to write',
  },
  beams: { kind: 'integer', sets: 'numBeams', value: 'N', min: 1, help: 'beam search with N beams' },
  temperature: {
    kind: 'number',
    sets: 'temperature',
    short: 't',
    value: 'X',
    min: 0,
    help: 'draw tokens; 0 is greedy',
  },
  seed: { kind: 'integer', sets: 'seed', value: 'N', help: 'makes drawing repeatable' },
});

export const writingOptions = (values: Values<typeof WRITING_OPTIONS>) => ({
  maxNewTokens: values['max-new-tokens'],
  numBeams: values.beams,
  temperature: values.temperature,
  seed: values.seed,
});

/** Writes what becomes of each text, on a line of its own. */
export async function writeEach(
  texts: readonly string[],
  stream: (text: string) => AsyncIterable<TextEvent>,
  terminal: Terminal,
): Promise<void> {
  for (const text of texts) {
    for await (const event of stream(text)) terminal.write(event.text);
    terminal.write('\n');
  }
}
