/** Repeats what fails in passing: a broken connection, a busy server. How often and how long is bounded by a rule. */
import type { HeedError } from '../errors.ts';
import type { RetryRule } from './hub-settings.ts';

/** A failure that may pass; `error` is what the caller sees when it does not. */
export class PassingFailure extends Error {
  override name = 'PassingFailure';
  readonly error: HeedError;
  /** How long the server asks to wait. */
  readonly retryAfterMs: number | undefined;
  constructor(error: HeedError, retryAfterMs?: number) {
    super(error.message, { cause: error });
    this.error = error;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A file of any size may be fetched over a bad line: a try that brought this much was none in vain. */
const WORTH_BYTES = 1 << 20;

/** Counts the failures of one task and waits after each. */
export interface Retries {
  /** Waits. @throws the error of the failure after too many, anything else at once, the signal's reason when aborted */
  after(failure: unknown): Promise<void>;
  /** Bytes that arrived. */
  progress(bytes: number): void;
}

/**
 * A server's own wish (Retry-After) is followed up to the longest wait of the rule; one that asks for more is told as an error
 * at once.
 */
export function countRetries(rule: RetryRule, signal: AbortSignal | undefined): Retries {
  let failures = 0;
  let brought = 0;
  return {
    async after(failure) {
      signal?.throwIfAborted();
      if (!(failure instanceof PassingFailure)) throw failure;
      failures++;
      const backoff = Math.min(rule.longestWaitMs, rule.firstWaitMs * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
      const wait = failure.retryAfterMs ?? backoff;
      if (failures >= rule.tries || wait > rule.longestWaitMs) throw failure.error;
      await pause(wait, signal);
    },
    progress(bytes) {
      brought += bytes;
      if (brought < WORTH_BYTES) return;
      brought = 0;
      failures = 0;
    },
  };
}

/** @throws what `attempt` throws that does not pass, or its last passing failure */
export async function withRetries<T>(
  rule: RetryRule,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
): Promise<T> {
  const retries = countRetries(rule, signal);
  for (;;) {
    try {
      return await attempt();
    } catch (failure) {
      await retries.after(failure);
    }
  }
}

/** Waits. @throws the signal's reason when aborted */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Milliseconds of a Retry-After header (RFC 9110, section 10.2.3): seconds or a date. */
export function retryAfterMs(header: string | null): number | undefined {
  if (!header) return undefined;
  if (/^\d{1,9}$/.test(header)) return 1000 * Number(header);
  const until = Date.parse(header);
  return Number.isNaN(until) ? undefined : Math.max(0, until - Date.now());
}
