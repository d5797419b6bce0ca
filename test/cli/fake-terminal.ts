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
    async lines() {
      const lines = (options.input ?? '').replace(/\n$/, '').split('\n');
      return {
        async next() {
          const text = lines.shift();
          return text === undefined ? { type: 'end' } : { type: 'line', text };
        },
        close() {},
      };
    },
    catchInterrupt: () => () => {},
    ...options,
    out: () => out,
    err: () => err,
  };
}
