/** What the hub's refusals mean. Source: huggingface/huggingface_hub, utils/_http.py (the header X-Error-Code). */
import { CheckpointError, HeedError } from '../errors.ts';
import { quoted } from '../formats/quoted.ts';
import { PassingFailure, retryAfterMs } from './retry.ts';

/** What was asked for. */
export interface Asked {
  readonly repo: string;
  readonly revision: string;
  readonly file?: string | undefined;
  readonly endpoint: string;
  readonly token: string | undefined;
}

/** Statuses of servers that are busy, restarting, or behind one that is. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** The error of an answer from `where` that is not the one hoped for; a PassingFailure where trying again may help. */
export function refusal({ status, headers }: Response, asked: Asked, where: string): Error {
  const code = headers.get('x-error-code') ?? '';
  const seen = `status ${status}${code && ` ${quoted(code)}`}`;
  if (PASSING.has(status)) {
    const wait = retryAfterMs(headers.get('retry-after'));
    const error = new HubUnavailable(status === 429 ? 'the hub asks to slow down' : 'the hub does not answer well', {
      seen: wait === undefined ? seen : `${seen}, wait ${Math.ceil(wait / 1000)} s`,
      fix: status === 429 && !asked.token ? 'try again later; with a token the limit is higher' : 'try again later',
      where,
    });
    return new PassingFailure(error, wait);
  }
  return new CheckpointError(...meaning(status, code, asked, seen, where));
}

function meaning(
  status: number,
  code: string,
  { repo, revision, file, endpoint, token }: Asked,
  seen: string,
  where: string,
): ConstructorParameters<typeof CheckpointError> {
  const ownToken = 'set HF_TOKEN, or log in with the tools of the hub';
  if (code === 'GatedRepo')
    return [
      'the model is gated: its owner asks for consent',
      {
        seen,
        fix: `accept its conditions on ${endpoint}/${repo}, then ${token ? 'use a token of that account' : ownToken}`,
        where,
      },
    ];
  if (code === 'RevisionNotFound')
    return [
      'the model has no such revision',
      {
        seen: quoted(revision),
        expected: 'a branch, a tag or a commit',
        fix: `see ${endpoint}/${repo}/commits`,
        where,
      },
    ];
  if (code === 'EntryNotFound' || (status === 404 && file !== undefined && code === ''))
    return [
      'the model has no such file',
      { seen: quoted(file ?? ''), fix: `see ${endpoint}/${repo}/tree/${revision}`, where },
    ];
  if (status === 401 || status === 404)
    return [
      'there is no such model, or it is private',
      {
        seen: `${quoted(repo)}: ${seen}`,
        fix: `check the name; for a private model ${token ? 'use a token that may read it' : ownToken}; for a folder write ./${repo}`,
        where,
      },
    ];
  if (status === 403)
    return ['the hub refuses the file', { seen, fix: token ? 'use a token that may read it' : ownToken, where }];
  return ['the hub gives no file', { seen, expected: 'status 200', where }];
}

/** A request that got no answer, or whose answer broke off: the signal's reason if that is why, else one that may pass. */
export function broken(what: string, error: unknown, url: string, signal?: AbortSignal): Error {
  if (signal?.aborted) return signal.reason as Error;
  if (error instanceof HeedError || error instanceof PassingFailure) return error;
  const { message, cause } = error as Error;
  return new PassingFailure(
    new HubUnavailable(what, {
      seen: cause instanceof Error && cause.message ? `${message}: ${cause.message}` : message,
      fix: 'check the connection and HF_ENDPOINT; HF_HUB_OFFLINE=1 uses what has been downloaded',
      where: placeOf(url),
      cause: error,
    }),
  );
}

/** There was no answer, or none that says anything about the model. */
export class HubUnavailable extends CheckpointError {}

/** An address without its query, which may hold a signature. */
export function placeOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
