/** The form of the prompts that a caller hands over, checked before anything reads them. */

import { ConfigError } from '../errors.ts';
import { show } from './options.ts';

/** A list of ids may be a typed array. */
const isList = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);

/** Throws `ConfigError` unless the prompts are a list of lists. What the lists hold is not looked at. */
export function checkIdPrompts(prompts: unknown): void {
  checkPrompts(prompts, isList, 'a list of lists of token ids, [[464, 2068]]');
}

/** Throws `ConfigError` unless the prompts are a list of texts and lists. */
export function checkTextPrompts(prompts: unknown): void {
  const isPrompt = (prompt: unknown) => typeof prompt === 'string' || isList(prompt);
  checkPrompts(prompts, isPrompt, "a text, or a list of texts and lists of token ids, ['Once', [464, 2068]]");
}

function checkPrompts(prompts: unknown, isPrompt: (prompt: unknown) => boolean, expected: string): void {
  if (!Array.isArray(prompts)) throw new ConfigError('not a list of prompts', { seen: show(prompts), expected });
  const at = prompts.findIndex(prompt => !isPrompt(prompt));
  if (at >= 0)
    throw new ConfigError('not a prompt', {
      seen: show(prompts[at]),
      expected,
      where: `prompt ${at} of ${show(prompts)}`,
    });
}
