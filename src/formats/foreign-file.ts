/** What the first bytes of a file tell that stands in the place of weights. */
import type { ErrorFacts } from '../errors.ts';
import { quoted } from './quoted.ts';

/** Facts for an error about a file that begins with these bytes; about eight are enough. */
export function foreignFile(start: Uint8Array): Pick<ErrorFacts, 'seen' | 'fix'> {
  const text = String.fromCharCode(...start.subarray(0, 8));
  const seen = text === '' ? 'an empty file' : `a file that begins with ${quoted(text)}`;
  // Git without the LFS extension leaves a short text in place of a large file.
  if (text === 'version ') return { seen, fix: 'fetch the file itself: this is a Git LFS pointer' };
  if (/^<(!|html|\?xml)/i.test(text)) return { seen, fix: 'fetch the file itself: this is a web page' };
  return { seen };
}
