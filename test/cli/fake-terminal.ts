/** A terminal for tests, which keeps what is written. */
import { createPaint, type Terminal } from '../../src/cli/terminal.ts';

export interface FakeTerminal extends Terminal {
  readonly out: () => string;
  readonly err: () => string;
}

export function fakeTerminal(options: Partial<Terminal> & { input?: string } = {}): FakeTerminal {
  let out = '';
  let err = '';
  return {
    columns: 80,
    interactive: false,
    interactiveErrors: false,
    keyboard: options.input === undefined,
    paint: createPaint(false),
    env: {},
    write: text => void (out += text),
    note: text => void (err += text),
    read: async () => options.input ?? '',
    ask: async question => {
      err += question;
      return options.input ?? '';
    },
    ...options,
    out: () => out,
    err: () => err,
  };
}
