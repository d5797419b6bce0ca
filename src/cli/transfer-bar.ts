/** A line about bytes on their way: how far, how fast, how long still. */
import type { Say } from './messages.ts';
import type { Numbers } from './numbers.ts';
import type { Terminal } from './terminal.ts';

export interface TransferBar {
  /** @param presentBytes those of the loaded ones that did not have to come, and say nothing about the speed */
  show(label: string, loadedBytes: number, totalBytes: number, presentBytes?: number): void;
  clear(): void;
}
/** The speed is that of the last seconds. */
const WINDOW_MS = 5_000;
const BETWEEN_MS = 100;
/** Of the bar, where there is room beside the numbers and where there is less. */
const WIDE_BAR = 24;
const NARROW_BAR = 12;
const WIDE = 100;
/** Terminals write ^C where the cursor is; behind a full line it would end on the next one. */
const INTERRUPT_COLUMNS = 2;

/** Shown on standard error, if a person looks at it. */
export function createTransferBar(
  terminal: Terminal,
  say: Say,
  numbers: Numbers,
  now: () => number = () => performance.now(),
): TransferBar {
  const samples: { readonly at: number; readonly bytes: number }[] = [];
  let shown = Number.NEGATIVE_INFINITY;
  return {
    show(label, loadedBytes, totalBytes, presentBytes = 0) {
      const at = now();
      if (!terminal.interactiveErrors || at - shown < BETWEEN_MS) return;
      shown = at;
      samples.push({ at, bytes: loadedBytes - presentBytes });
      while (samples.length > 2 && at - samples[0]!.at > WINDOW_MS) samples.shift();
      const rate = rateOf(samples);
      const width = terminal.columns >= WIDE ? WIDE_BAR : NARROW_BAR;
      const done = Math.round((width * Math.min(loadedBytes, totalBytes)) / Math.max(1, totalBytes));
      const parts = [
        `${'█'.repeat(done)}${'░'.repeat(width - done)}`,
        `${numbers.bytes(loadedBytes)} / ${numbers.bytes(totalBytes)}`,
        ...(rate > 0 ? [`${numbers.bytes(rate)}/s`] : []),
        ...(rate > 0
          ? [say('timeLeft').replace('{}', numbers.duration(1000 * Math.ceil((totalBytes - loadedBytes) / rate)))]
          : []),
      ];
      terminal.note(`\r${fitting([label, ...parts], terminal.columns - INTERRUPT_COLUMNS)}\x1b[K`);
    },
    clear() {
      if (Number.isFinite(shown)) terminal.note('\r\x1b[K');
    },
  };
}

/** Bytes per second between the first and the last sample. */
function rateOf(samples: readonly { readonly at: number; readonly bytes: number }[]): number {
  const [first, last] = [samples[0]!, samples.at(-1)!];
  return last.at > first.at ? (1000 * (last.bytes - first.bytes)) / (last.at - first.at) : 0;
}

/** The parts that one line takes, the first ones first: a line that breaks cannot be written over. */
function fitting(parts: readonly string[], columns: number): string {
  let line = '';
  for (const part of parts) {
    const longer = line === '' ? part : `${line}  ${part}`;
    if (longer.length < columns) line = longer;
  }
  return line;
}
