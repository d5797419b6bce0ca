/**
 * Chromium without a window: how it is started and ended, and pages of it that are driven over its debugging pipe. Protocol:
 * Chrome DevTools Protocol, messages that end in a NUL.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

export const FLAGS = [
  ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-default-apps'],
  // The page has to see how much memory it keeps.
  ...['--js-flags=--expose-gc', '--enable-precise-memory-info'],
];

/** The name of a Chromium that starts; HEED_CHROMIUM comes first. */
export function findBrowser(): string | undefined {
  const names = [process.env.HEED_CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'];
  return names.find(name => name && spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

/** Ends the browser with all its processes: it leads a group of its own. */
export async function endGroup({ pid, exitCode, signalCode }: ChildProcess, gone: Promise<unknown>): Promise<void> {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // Nobody of the group is left.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  if (exitCode === null && signalCode === null) await gone;
}

export interface Page {
  /** Errors and warnings of its console so far, but those about files that are not there. */
  readonly errors: readonly string[];
  /** The value of an expression of the page, which may be a promise. */
  evaluate<T>(expression: string): Promise<T>;
  /** Waits until an expression is true. @throws when the page has not come to that in time, with what `shown` then is */
  until(expression: string, shown?: string): Promise<void>;
  /** Writes a picture of the page (PNG). */
  picture(path: string): Promise<void>;
}
const PATIENCE_MS = 120_000;

/** Opens a page in a browser of its own, and closes it after `body`. */
export async function withPage<T>(browser: string, url: string, body: (page: Page) => Promise<T>): Promise<T> {
  const profile = await mkdtemp(join(tmpdir(), 'heed-page-'));
  const flags = [...FLAGS, '--remote-debugging-pipe', '--window-size=900,1100', `--user-data-dir=${profile}`];
  const chromium = spawn(browser, [...flags, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const gone = new Promise(resolve => chromium.once('exit', resolve));
  try {
    return await Promise.race([
      openPage(chromium, url).then(body),
      gone.then(code => Promise.reject(new Error(`the browser ended with code ${code}`))),
    ]);
  } finally {
    await endGroup(chromium, gone);
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}
type Call = <R>(method: string, params?: object) => Promise<R>;

/** Calls over the pipe, and what the browser tells by itself. */
function connect(chromium: ChildProcess, hear: (method: string, params: unknown) => void) {
  const to = chromium.stdio[3] as Writable;
  const from = chromium.stdio[4] as Readable;
  const waiting = new Map<number, (message: Message) => void>();
  let rest = '';
  // A browser that ended is told by its exit.
  to.on('error', () => {});
  from.setEncoding('utf8').on('data', (text: string) => {
    const messages = (rest + text).split('\0');
    rest = messages.pop()!;
    for (const message of messages.map(json => JSON.parse(json) as Message)) {
      if (message.id !== undefined) waiting.get(message.id)?.(message);
      else hear(message.method!, message.params);
    }
  });
  let last = 0;
  return <R>(method: string, params: object = {}, sessionId?: string) =>
    new Promise<R>((done, fail) => {
      const id = ++last;
      waiting.set(id, ({ error, result }) => {
        waiting.delete(id);
        if (error) fail(new Error(`${method}: ${error.message}`));
        else done(result as R);
      });
      to.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
}

async function openPage(chromium: ChildProcess, url: string): Promise<Page> {
  const errors: string[] = [];
  const send = connect(chromium, (method, params) => {
    const error = errorOf(method, params as Telling);
    if (error !== undefined) errors.push(error);
  });
  const { targetId } = await send<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
  const attach = { targetId, flatten: true };
  const { sessionId } = await send<{ sessionId: string }>('Target.attachToTarget', attach);
  const call: Call = (method, params) => send(method, params, sessionId);
  for (const domain of ['Runtime', 'Log', 'Page']) await call(`${domain}.enable`);
  await call('Page.navigate', { url });
  const evaluate = async <T>(expression: string): Promise<T> => {
    const { result, exceptionDetails } = await call<Evaluated>('Runtime.evaluate', {
      ...{ expression, awaitPromise: true, returnByValue: true },
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value as T;
  };
  return {
    errors,
    evaluate,
    async until(expression, shown = 'document.body.innerText') {
      const end = performance.now() + PATIENCE_MS;
      while (!(await evaluate<boolean>(`!!(${expression})`))) {
        if (performance.now() > end)
          throw new Error(`it never came to ${expression}; ${await evaluate<string>(`String(${shown})`)}`);
        await new Promise(resolve => setTimeout(resolve, 50));
      }
    },
    async picture(path) {
      const { data } = await call<{ data: string }>('Page.captureScreenshot', { captureBeyondViewport: true });
      await writeFile(path, Buffer.from(data, 'base64'));
    },
  };
}

interface Thrown {
  readonly text: string;
  readonly exception?: { readonly description?: string };
}
interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: Thrown;
}
interface Telling {
  readonly exceptionDetails?: Thrown;
  readonly type?: string;
  readonly args?: readonly { readonly value?: unknown; readonly description?: string }[];
  readonly entry?: { readonly level: string; readonly source: string; readonly text: string };
}
/** What went wrong by what the browser tells, if anything did. */
function errorOf(method: string, { exceptionDetails, type, args, entry }: Telling): string | undefined {
  if (method === 'Runtime.exceptionThrown') return exceptionDetails!.exception?.description ?? exceptionDetails!.text;
  if (method === 'Runtime.consoleAPICalled' && (type === 'error' || type === 'warning'))
    return args!.map(({ value, description }) => String(value ?? description)).join(' ');
  // A model's optional files are asked for, whether they are there or not.
  if (method === 'Log.entryAdded' && entry!.level === 'error' && entry!.source !== 'network') return entry!.text;
  return undefined;
}
