/** One request to a hub: redirects followed one by one, the token for the hub alone, silence taken for a broken connection. */
import { CheckpointError, FormatError } from '../errors.ts';
import { type Asked, broken, placeOf, refusal } from './hub-errors.ts';
import { type HubSettings, inNode } from './hub-settings.ts';

const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface HubRequest {
  readonly url: string;
  /** What is asked for, for messages. */
  readonly asked: Pick<Asked, 'repo' | 'revision' | 'file'>;
  readonly method?: 'GET' | 'HEAD';
  readonly range?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}
export interface HubAnswer {
  readonly response: Response;
  /** Where it came from at last, for messages. */
  readonly place: string;
  /** Headers that the hub itself sent last: what it says about a file that lies elsewhere. */
  readonly own: Headers;
  readonly watchdog: Watchdog;
}

/**
 * Sends it. A HEAD request stops where the hub redirects to another host: what it asks for stands in the redirect.
 * @throws PassingFailure where trying again may help, CheckpointError where not, the signal's reason when aborted
 */
export async function sendRequest(request: HubRequest, settings: HubSettings): Promise<HubAnswer> {
  const { url, asked, method = 'GET', range, signal } = request;
  // A browser's fetch refuses to be called as a method.
  const { endpoint, token, retry, fetch } = settings;
  const hub = new URL(endpoint).origin;
  const watchdog = watch(retry.stallMs, signal);
  try {
    let at = new URL(url);
    let own = new Headers();
    for (let redirects = 0; ; redirects++) {
      const headers = new Headers({ 'accept-encoding': 'identity' });
      if (token && at.origin === hub) headers.set('authorization', `Bearer ${token}`);
      if (range) headers.set('range', range);
      // A page never sees a redirect; its browser follows, and leaves the token behind at another host.
      const redirect = inNode() ? 'manual' : 'follow';
      const response = await fetch(at, { method, headers, redirect, signal: watchdog.signal });
      watchdog.alive();
      if (at.origin === hub) own = response.headers;
      const location = response.headers.get('location');
      if (!REDIRECTS.has(response.status) || location === null) {
        // An answer that a caller's own `fetch` made has no address.
        const place = placeOf(response.url || at.href);
        if (response.ok) return { response, place, own, watchdog };
        await response.body?.cancel();
        throw refusal(response, { ...asked, endpoint, token }, place);
      }
      await response.body?.cancel();
      const next = redirected(at, location, redirects);
      if (method === 'HEAD' && next.origin !== at.origin) return { response, place: placeOf(at.href), own, watchdog };
      at = next;
    }
  } catch (error) {
    watchdog.done();
    throw broken('the hub cannot be reached', error, url, signal);
  }
}

function redirected(from: URL, location: string, redirects: number): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const where = placeOf(from.href);
  if (redirects >= MAX_REDIRECTS)
    throw new CheckpointError('the hub redirects without end', {
      seen: `${redirects + 1} redirects, the last to ${to ? placeOf(to.href) : location}`,
      fix: 'check HF_ENDPOINT',
      where,
    });
  if (!to || !/^https?:$/.test(to.protocol) || (from.protocol === 'https:' && to.protocol === 'http:'))
    throw new CheckpointError('the hub redirects to where heed does not follow', {
      seen: location.slice(0, 100),
      expected: from.protocol === 'https:' ? 'an https address' : 'an http(s) address',
      where,
    });
  return to;
}

/**
 * The bytes of an answer as they come, at most `limit`.
 * @throws FormatError when there are more, the error of the connection when it breaks
 */
export async function* bodyOf(
  { response, place, watchdog }: HubAnswer,
  limit: number,
): AsyncGenerator<Uint8Array, void> {
  const reader = response.body?.getReader();
  let taken = 0;
  try {
    while (reader) {
      const { done, value } = await reader.read();
      if (done) return;
      watchdog.pause();
      taken += value.length;
      if (taken > limit)
        throw new FormatError('the hub sends more bytes than it says', {
          expected: `${limit} bytes`,
          where: place,
        });
      yield value;
      watchdog.alive();
    }
  } finally {
    watchdog.done();
    // What is left of the body is not wanted; whether the connection still minds is of no interest.
    await reader?.cancel().catch(() => undefined);
  }
}

/** All bytes of an answer, as `bodyOf`. */
export async function bytesOf(answer: HubAnswer, limit: number): Promise<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for await (const part of bodyOf(answer, limit)) parts.push(part);
  return new Blob(parts as BlobPart[]).arrayBuffer();
}

/** The bytes of an answer as a stream, which fails where `bodyOf` throws. */
export function streamOf(answer: HubAnswer): ReadableStream<Uint8Array> {
  const bytes = bodyOf(answer, Number.POSITIVE_INFINITY);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await bytes.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await bytes.return();
    },
  });
}

/** Aborts a request that brings nothing for a while. */
export interface Watchdog {
  readonly signal: AbortSignal;
  /** Something came: the time starts anew. */
  alive(): void;
  /** The other side is not waited for. */
  pause(): void;
  done(): void;
}

function watch(stallMs: number, outer: AbortSignal | undefined): Watchdog {
  const controller = new AbortController();
  const stalled = () => controller.abort(new Error(`nothing came for ${stallMs / 1000} s`));
  const interrupted = () => controller.abort(outer!.reason);
  let timer = setTimeout(stalled, stallMs);
  if (outer?.aborted) interrupted();
  outer?.addEventListener('abort', interrupted, { once: true });
  const pause = () => clearTimeout(timer);
  return {
    signal: controller.signal,
    alive() {
      clearTimeout(timer);
      timer = setTimeout(stalled, stallMs);
    },
    pause,
    done() {
      pause();
      outer?.removeEventListener('abort', interrupted);
    },
  };
}
