/**
 * What happens when prompt and output do not fit into the model's context window: refuse, drop the oldest of the prompt, or
 * slide. Each row is judged by its own tokens, so the outcome does not depend on the rows beside it.
 */

import { ConfigError } from '../errors.ts';
import { SequenceHistory } from './history.ts';
import type { GenerateSettings } from './options.ts';

/** New tokens per sequence if the caller names no length. */
const DEFAULT_NEW_TOKENS = 256;

/**
 * The starting history of each prompt: its ids, shortened under 'truncate', and the length it may reach.
 * Throws `ConfigError`, before anything is computed, for prompts that are empty or hold ids outside the vocabulary, and
 * when a prompt with the tokens asked for exceeds `contextLength` under 'error'.
 */
export function startHistories(
  prompts: readonly (readonly number[])[],
  settings: GenerateSettings,
  vocabSize: number,
  contextLength: number | undefined,
): SequenceHistory[] {
  if (prompts.length === 0) throw new ConfigError('nothing to generate from: no prompt was given');
  if (settings.encoderIds && settings.encoderIds.length !== prompts.length) {
    throw new ConfigError('encoderIds and prompts differ in number', {
      seen: `${settings.encoderIds.length} and ${prompts.length}`,
    });
  }
  return prompts.map((ids, prompt) => {
    const where = `prompt ${prompt}`;
    if (ids.length === 0) {
      throw new ConfigError('an empty prompt has no next token', { fix: 'start with the BOS token or a text', where });
    }
    const stranger = ids.find(id => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
    if (stranger !== undefined) {
      throw new ConfigError('not a token id of this model', {
        seen: `${stranger}`,
        expected: `an integer from 0 to ${vocabSize - 1}`,
        where,
      });
    }
    const encoderIds = settings.encoderIds?.[prompt];
    const start = fitPrompt(ids, settings, contextLength ?? Number.POSITIVE_INFINITY, where);
    return new SequenceHistory({ ...start, prompt, encoderIds });
  });
}

function fitPrompt(ids: readonly number[], settings: GenerateSettings, window: number, where: string) {
  const { overflow } = settings;
  const asked = settings.maxNewTokens ?? (settings.maxLength && settings.maxLength - ids.length);
  if (asked !== undefined && asked < 1) {
    throw new ConfigError('maxLength leaves no room for a new token', {
      seen: `maxLength ${settings.maxLength}, a prompt of ${ids.length} tokens`,
      fix: 'raise it, or say maxNewTokens, which does not count the prompt',
      where,
    });
  }
  const wanted = asked ?? DEFAULT_NEW_TOKENS;
  if (overflow === 'slide' || ids.length + wanted <= window) return { ids, maxLength: ids.length + wanted };

  if (overflow === 'truncate') {
    if (Number.isFinite(wanted) && asked !== undefined && wanted >= window) {
      throw new ConfigError('the output alone fills the context window', {
        seen: `${wanted} new tokens, a window of ${window}`,
        fix: "ask for fewer, or use overflow: 'slide'",
        where,
      });
    }
    // Where the caller named no number, half the window is the most that is kept free.
    const reserved = asked !== undefined && Number.isFinite(asked) ? asked : Math.min(wanted, window >> 1);
    const kept = keepNewest(ids, Math.max(1, window - reserved), settings.bosTokenId);
    return { ids: kept, maxLength: Math.min(window, kept.length + wanted) };
  }

  if (ids.length >= window || (asked !== undefined && Number.isFinite(asked))) {
    throw new ConfigError('prompt and output do not fit into the context window', {
      seen: `a prompt of ${ids.length} tokens${asked === undefined ? '' : `, ${asked} new ones`}`,
      expected: `at most ${window} together`,
      fix: "ask for fewer new tokens, or choose overflow: 'truncate' or overflow: 'slide'",
      where,
    });
  }
  // Nobody named a number: the default gives way. Infinity runs until the model stops or the window is full.
  return { ids, maxLength: asked === undefined ? window : Number.POSITIVE_INFINITY };
}

/** The newest `length` ids, of which the first gives way to a BOS if the sequence began with one. */
function keepNewest(ids: readonly number[], length: number, bos: number | undefined): readonly number[] {
  if (ids.length <= length) return ids;
  return bos !== undefined && ids[0] === bos && length > 1
    ? [bos, ...ids.slice(ids.length - length + 1)]
    : ids.slice(ids.length - length);
}

/** The ids of a row that the model sees: all, or after a slide the newest, behind a leading BOS. */
export function visibleIds({ ids, windowStart, keepsFirst }: SequenceHistory): readonly number[] {
  return keepsFirst ? [ids[0]!, ...ids.slice(windowStart)] : ids.slice(windowStart);
}

/**
 * Makes room in rows that no longer fit into `window` tokens: leaves the newest half visible.
 * Throws `ConfigError` under the policies that do not slide.
 */
export function slide(rows: readonly SequenceHistory[], window: number, settings: GenerateSettings): void {
  for (const row of rows) {
    const visible = row.ids.length - row.windowStart + (row.keepsFirst ? 1 : 0);
    if (visible <= window) continue;
    if (settings.overflow !== 'slide') {
      throw new ConfigError('the context window is full', {
        seen: `${row.ids.length} tokens, a window of ${window}`,
        fix: "set maxNewTokens to a number, or overflow: 'slide'",
        where: `prompt ${row.prompt}`,
      });
    }
    row.keepsFirst = window > 1 && row.ids[0] === settings.bosTokenId;
    row.windowStart = row.ids.length - Math.max(1, (window >> 1) - (row.keepsFirst ? 1 : 0));
  }
}
