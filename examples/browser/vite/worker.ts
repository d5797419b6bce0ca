/** heed in a worker of one's own: the same calls as in a page. The threads that it computes with are then this worker's. */
import { type Piece, type Wish, write } from './write.ts';

/** What the page asks; `stop` ends what is being written. */
export type ToWorker = Wish | 'stop';
/** What it hears: pieces, and at the end whether it went well. */
export type FromWorker = Piece | { readonly done: true; readonly error?: string };

let stopping = new AbortController();

addEventListener('message', async ({ data }: MessageEvent<ToWorker>) => {
  stopping.abort();
  if (data === 'stop') return;
  stopping = new AbortController();
  const answer = (message: FromWorker) => postMessage(message);
  try {
    for await (const piece of write(data, stopping.signal)) answer(piece);
    answer({ done: true });
  } catch (error) {
    answer({ done: true, error: String(error) });
  }
});
