/** What a command sees of the world: where it writes, how wide and colourful that is, what comes in. */
import { COLOUR } from './layout.ts';
import type { LineOptions, LineReader } from './line-reader.ts';

export interface Terminal {
  /** Width of a line. */
  readonly columns: number;
  /** Standard output is looked at by a person. */
  readonly interactive: boolean;
  /** Standard error is. */
  readonly interactiveErrors: boolean;
  /** Standard input is a keyboard: nothing was piped in. */
  readonly keyboard: boolean;
  readonly paint: Paint;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Results. */
  write(text: string): void;
  /** Everything about them. */
  note(text: string): void;
  /** All of standard input. @throws `signal.reason` when aborted before its end */
  read(signal: AbortSignal): Promise<string>;
  /** Asks on standard error for one line of standard input; empty at its end. @throws `signal.reason` when aborted */
  ask(question: string, signal: AbortSignal): Promise<string>;
  /** Standard input line by line, for a conversation. Close it. */
  lines(options?: LineOptions): Promise<LineReader>;
  /**
   * Ctrl-C calls this in place of ending the command, until the function that is returned is called. Pressed a second time
   * before that it ends the program at once.
   */
  catchInterrupt(handler: () => void): () => void;
}

/** Exit code of a run that Ctrl-C ended, as shells have it. */
export const INTERRUPTED = 130;

const CODES = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  magenta: '35',
  cyan: '36',
  mark: '48;5;24;97',
  mark2: '48;5;60;97',
} as const;
/** Colours, each a function from text to text; without colour they return what they are given. */
export type Paint = { readonly [K in keyof typeof CODES]: (text: string) => string };

export function createPaint(colour: boolean): Paint {
  return Object.fromEntries(
    Object.entries(CODES).map(([name, code]) => [
      name,
      (text: string) => (colour && text ? `\x1b[${code}m${text}\x1b[0m` : text),
    ]),
  ) as Paint;
}

/**
 * A text that can colour a terminal but not command it: what a model says, or a file calls its tensors, may hold sequences
 * that rename windows, fill the clipboard or type for the user. Only colours and clearing the rest of a line stay.
 */
export function withoutCommands(text: string): string {
  return text.replace(/(\x1b\[[\d;]*[mK])|[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, '$1');
}

/** The terminal of this process. Colours only for people who did not refuse them (no-color.org). */
export function nodeTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  for (const stream of [stdout, stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // A reader that has seen enough, such as `head`, closes the pipe: that is no failure.
      if (error.code === 'EPIPE') process.exit(0);
      if (stream === stdout) stderr.write(`heed: write failed: ${error.message}\n`);
      process.exit(1);
    });
  return {
    columns: Math.max(40, stdout.columns ?? stderr.columns ?? (Number(env.COLUMNS) || 80)),
    interactive: stdout.isTTY === true,
    interactiveErrors: stderr.isTTY === true,
    keyboard: stdin.isTTY === true,
    paint: createPaint(stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'),
    env,
    write: text => void stdout.write(stdout.isTTY ? withoutCommands(text) : text),
    // Whether there are colours is up to standard output; a log of what is said beside it has none.
    note: text => void stderr.write(stderr.isTTY ? withoutCommands(text) : text.replace(COLOUR, '')),
    async read(signal) {
      stdin.setEncoding('utf8');
      signal.addEventListener('abort', () => stdin.destroy(signal.reason), { once: true });
      let text = '';
      for await (const part of stdin) text += part;
      return text;
    },
    async ask(question, signal) {
      const { createInterface } = await import('node:readline');
      const lines = createInterface({ input: stdin });
      stderr.write(withoutCommands(question));
      try {
        return await new Promise<string>((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          lines.once('line', resolve).once('close', () => resolve(''));
        });
      } finally {
        lines.close();
      }
    },
    async lines(options = {}) {
      const { keyboardLines, pipedLines } = await import('./line-reader.ts');
      return stdin.isTTY ? keyboardLines(stdin, stdout.isTTY ? stdout : stderr, options) : pipedLines(stdin);
    },
    catchInterrupt(handler) {
      const usual = process.listeners('SIGINT');
      let pressed = false;
      const own = () => {
        if (pressed) process.exit(INTERRUPTED);
        pressed = true;
        handler();
      };
      process.removeAllListeners('SIGINT').on('SIGINT', own);
      return () => {
        process.off('SIGINT', own);
        for (const listener of usual) process.on('SIGINT', listener);
      };
    },
  };
}
