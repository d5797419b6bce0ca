/** Texts that a command writes as they come. */
import type { Say } from './messages.ts';
import type { Terminal } from './terminal.ts';

/** Writes a text as it comes, and ends its line, also where it is broken off. */
export async function writeText(events: AsyncIterable<{ readonly text: string }>, { write }: Terminal): Promise<void> {
  let begun = false;
  try {
    for await (const { text } of events) {
      write(text);
      begun ||= text !== '';
    }
  } catch (error) {
    if (begun) write('\n');
    throw error;
  }
  write('\n');
}

/** A text on its way: after a step, of so many where that is known, or done. */
type TextState = { readonly text: string } & (
  | { readonly type: 'done' }
  | { readonly type: 'step' | 'revision'; readonly step: number; readonly steps?: number }
);

/** Writes what becomes of each text; for people the states on the way there first, a line each. */
export async function writeStates(
  texts: readonly string[],
  stream: (text: string) => AsyncIterable<TextState>,
  { terminal, say }: { readonly terminal: Terminal; readonly say: Say },
  shown: (text: string) => string = text => text,
): Promise<void> {
  for (const given of texts) {
    for await (const state of stream(given)) {
      if (state.type === 'done') terminal.write(`${terminal.interactive ? '\n' : ''}${shown(state.text)}\n`);
      else if (terminal.interactive) {
        const step = `${say('runStep')} ${state.step}${state.steps === undefined ? '' : `/${state.steps}`}`;
        terminal.write(`${terminal.paint.dim(step)}  ${shown(state.text)}\n`);
      }
    }
  }
}
