/**
 * Stop strings in streamed text. Text that may be the beginning of a stop string is held back until it is clear whether it
 * is one, so nothing is ever printed that would have to be taken back.
 */

import { ConfigError } from '../errors.ts';
import { show } from './options.ts';

export interface StopMatcher {
  /** Takes the next piece of text and returns what is certain to stay. Returns '' once a stop string was found. */
  push(piece: string): string;
  /** No more text follows: returns what was held back. */
  end(): string;
  /** The stop string that was found. It and what follows it are no part of the text. */
  readonly found: string | undefined;
}

/**
 * A matcher for one stream. Of several stop strings the one that ends first wins, the longer one if they end together.
 * Throws `ConfigError` for what is no list of texts of at least one character. The cost of a piece does not depend on the text before it.
 */
export function createStopMatcher(stopStrings: readonly string[]): StopMatcher {
  if (!Array.isArray(stopStrings) || stopStrings.some(stop => typeof stop !== 'string' || stop === '')) {
    throw new ConfigError('a stop string must be a text of at least one character', { seen: show(stopStrings) });
  }
  const stops = [...new Set(stopStrings)].sort((a, b) => b.length - a.length);
  let held = '';
  let found: string | undefined;
  return {
    push(piece) {
      if (found !== undefined) return '';
      const text = held + piece;
      let end = Number.POSITIVE_INFINITY;
      for (const stop of stops) {
        const at = text.indexOf(stop);
        if (at < 0 || at + stop.length >= end) continue;
        end = at + stop.length;
        found = stop;
      }
      if (found !== undefined) {
        held = '';
        return text.slice(0, end - found.length);
      }
      const safe = text.length - pendingLength(text, stops);
      held = text.slice(safe);
      return text.slice(0, safe);
    },
    end() {
      const rest = held;
      held = '';
      return rest;
    },
    get found() {
      return found;
    },
  };
}

/** Length of the longest end of `text` with which a stop string begins. */
function pendingLength(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
      if (text.endsWith(stop.slice(0, length))) longest = length;
    }
  }
  return longest;
}

/** The part of `text` before the first stop string in it, and that string. */
export function cutAtStop(
  text: string,
  stopStrings: readonly string[],
): { text: string; stopString: string | undefined } {
  const matcher = createStopMatcher(stopStrings);
  const before = matcher.push(text);
  return { text: before + matcher.end(), stopString: matcher.found };
}
