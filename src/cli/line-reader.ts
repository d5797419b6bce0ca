/**
 * Lines of standard input, one at a time: typed ones with editing, history and completion, piped ones as they come. A text
 * that is pasted (bracketed paste) is one line however many it has; what is typed ahead waits for its turn.
 */
import { createInterface, emitKeypressEvents } from 'node:readline';

/** A line, Ctrl-C with what stood there, or the end of the input (Ctrl-D). */
export type InputLine =
  | { readonly type: 'line'; readonly text: string }
  | { readonly type: 'interrupt'; readonly text: string }
  | { readonly type: 'end' };

export interface LineReader {
  /** @param prompt shown where there is a keyboard. @throws `signal.reason` when aborted */
  next(prompt: string, signal: AbortSignal): Promise<InputLine>;
  close(): void;
}
export interface LineOptions {
  /** Lines of earlier days, the newest last. */
  readonly history?: readonly string[];
  /** How a beginning may go on. */
  readonly complete?: (beginning: string) => readonly string[];
}

const PASTE_ON = '\x1b[?2004h';
const PASTE_OFF = '\x1b[?2004l';
const HISTORY_SIZE = 1000;

export function pipedLines(stdin: NodeJS.ReadStream): LineReader {
  const reader = createInterface({ input: stdin });
  const lines = reader[Symbol.asyncIterator]();
  return {
    async next(_prompt, signal) {
      const { done, value } = await unlessAborted(lines.next(), signal);
      return done ? { type: 'end' } : { type: 'line', text: value };
    },
    close: () => reader.close(),
  };
}

/** @throws `signal.reason` when aborted before the promise settles */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** @param echo where the terminal that is typed into shows what is typed */
export function keyboardLines(
  stdin: NodeJS.ReadStream,
  echo: NodeJS.WriteStream,
  { history = [], complete = () => [] }: LineOptions,
): LineReader {
  const waiting: InputLine[] = [];
  let deliver: ((line: InputLine) => void) | undefined;
  const give = (line: InputLine) => {
    if (!deliver) return void waiting.push(line);
    deliver(line);
    deliver = undefined;
  };
  let pasting = false;
  let pasted: string[] = [];
  const reader = createInterface({
    ...{ input: stdin, output: echo, historySize: HISTORY_SIZE, removeHistoryDuplicates: true },
    history: [...history].reverse(),
    // A tab that completes nothing is a tab.
    completer: (text: string) => {
      const found = pasting ? [] : complete(text);
      return found.length > 0 ? [[...found], text] : [['\t'], ''];
    },
  });
  const keys = (_: unknown, { name }: { name?: string }) => {
    if (name === 'paste-start') pasting = true;
    if (name === 'paste-end') pasting = false;
  };
  const withPasted = (text: string) => {
    const all = [...pasted, text].join('\n');
    pasted = [];
    return all;
  };
  emitKeypressEvents(stdin, reader);
  stdin.on('keypress', keys);
  reader.on('line', text => {
    if (!pasting) return give({ type: 'line', text: withPasted(text) });
    pasted.push(text);
    reader.setPrompt('');
    reader.prompt();
  });
  reader.on('SIGINT', () => {
    const { line } = reader;
    reader.write(null, { ctrl: true, name: 'e' });
    reader.write(null, { ctrl: true, name: 'u' });
    echo.write('\n');
    give({ type: 'interrupt', text: withPasted(line) });
  });
  let isOpen = true;
  reader.on('close', () => {
    isOpen = false;
    give({ type: 'end' });
  });
  // Between two lines the terminal is as usual, so that Ctrl-C is a signal to whoever computes.
  const rest = () => {
    if (!isOpen) return;
    reader.pause();
    stdin.setRawMode(false);
    echo.write(PASTE_OFF);
  };
  rest();
  return {
    async next(prompt, signal) {
      signal.throwIfAborted();
      const [first] = waiting.splice(0, 1);
      if (first) return first;
      if (!isOpen) return { type: 'end' };
      stdin.setRawMode(true);
      echo.write(PASTE_ON);
      reader.setPrompt(prompt);
      reader.prompt(true);
      const line = new Promise<InputLine>(resolve => {
        deliver = resolve;
      });
      return unlessAborted(line, signal).finally(rest);
    },
    close() {
      stdin.off('keypress', keys);
      rest();
      reader.close();
    },
  };
}
