/** A line about work that takes a while, which the next one overwrites, for someone who looks at standard error. */
import { cut } from './layout.ts';
import type { Terminal } from './terminal.ts';

export interface WorkingLine {
  show(text: string): void;
  clear(): void;
}
/** @param silent nobody is to see it */
export function workingLine(terminal: Terminal, silent: boolean): WorkingLine {
  let shown = false;
  return {
    show(text) {
      if (silent || !terminal.interactiveErrors) return;
      shown = true;
      terminal.note(`\r${cut(text, terminal.columns - 1)}\x1b[K`);
    },
    clear() {
      if (shown) terminal.note('\r\x1b[K');
      shown = false;
    },
  };
}
