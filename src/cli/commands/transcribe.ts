/** `heed transcribe`: what is said in a recording, piece by piece as its windows are done. */
import { defineCommand, grouped } from '../command.ts';
import { jsonText } from '../json-text.ts';
import { TASK_OPTIONS, withTask } from '../task-call.ts';
import { writeText } from '../written-texts.ts';

export const transcribe = defineCommand({
  name: 'transcribe',
  summary: 'writes down what is said in a recording, as it comes.',
  positionals: [
    { name: 'MODEL', help: 'a speech model (Whisper): folder, or a model on the hub, org/name' },
    { name: 'FILE', help: 'the recording, a .wav file' },
  ],
  options: {
    timestamps: { kind: 'flag', help: 'a line for each piece, with its start and end' },
    language: { kind: 'text', value: 'CODE', help: 'what is spoken: de, en (default: what its beginning sounds like)' },
    translate: { kind: 'flag', help: 'into English' },
    prompt: { kind: 'text', value: 'TEXT', help: 'what might stand before it: names, spelling, style' },
    ...grouped('Search', {
      beams: { kind: 'integer', value: 'N', min: 1, help: 'beam search with N beams' },
      temperature: {
        kind: 'number',
        short: 't',
        value: 'X',
        min: 0,
        help: 'draw tokens at this temperature only; 0 takes the best (default: 0, and higher where that goes wrong)',
      },
      seed: { kind: 'integer', value: 'N', help: 'of what is drawn (default 0)' },
    }),
    ...TASK_OPTIONS,
  },
  examples: [
    { line: 'heed transcribe openai/whisper-tiny talk.wav', does: 'the text' },
    { line: 'heed transcribe openai/whisper-tiny talk.wav --timestamps --json', does: 'with times, for a program' },
  ],
  async run({ values, positionals: [source, file], terminal, signal }) {
    const call = { name: 'transcribe', source: source!, values, terminal, signal };
    await withTask(call, 'automatic-speech-recognition', async pipe => {
      const { timestamps, language, prompt, beams: numBeams, temperature, seed } = values;
      const options = {
        ...{ returnTimestamps: timestamps, language, prompt, signal },
        ...(values.translate && { task: 'translate' as const }),
        ...(temperature !== undefined && { temperatures: [temperature] }),
        ...(numBeams !== undefined && { numBeams }),
        ...(seed !== undefined && { seed }),
      };
      if (values.json) return terminal.write(`${jsonText(await pipe(file!, options))}\n`);
      const pieces = pipe.stream(file!, options);
      if (!timestamps) return writeText(pieces, terminal);
      for await (const { start, end, text } of pieces)
        terminal.write(`${terminal.paint.dim(`${clock(start)} – ${clock(end)}`)}  ${text.trim()}\n`);
    });
  },
});

/** `1:02.5`: minutes and seconds. */
const clock = (seconds: number): string => {
  const tenths = Math.round(10 * seconds);
  return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, '0')}`;
};
