/**
 * What the hub is asked with, from options and from the environment, by the names of the reference's tools.
 * Source: huggingface/huggingface_hub, constants.py.
 */
import { ConfigError } from '../errors.ts';
import { nodeFiles } from '../formats/index.ts';
import { isRevision } from './hub-id.ts';

/** How often and how patiently a request is repeated. */
export interface RetryRule {
  /** Failures in a row before it is given up. */
  readonly tries: number;
  /** Before the second try; doubled each time, and shortened by chance to between half and all of it. */
  readonly firstWaitMs: number;
  readonly longestWaitMs: number;
  /** A connection that brings nothing for so long is taken for broken. */
  readonly stallMs: number;
}
export const RETRY_RULE: RetryRule = { tries: 5, firstWaitMs: 500, longestWaitMs: 30_000, stallMs: 30_000 };

export interface HubOptions {
  /** Branch, tag or commit. Default: the one in the id, else `main`. */
  readonly revision?: string | undefined;
  /** Sent to the hub alone. Default: HF_TOKEN, else the file that the reference's login writes; false = none. */
  readonly token?: string | false | undefined;
  /** Address of the hub. Default: HF_ENDPOINT, else the public one. */
  readonly endpoint?: string | undefined;
  /** Folder of downloaded models, in Node. Default: HF_HUB_CACHE, else `hub` in HF_HOME. */
  readonly cacheDir?: string | undefined;
  /** Only what is in the cache; no requests. Default: HF_HUB_OFFLINE. */
  readonly offline?: boolean | undefined;
  /** The weights file, where it has not the usual name. */
  readonly weights?: string | undefined;
  readonly retry?: Partial<RetryRule> | undefined;
  /** Instead of the global one. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Instead of the process's. */
  readonly env?: Environment | undefined;
}
export type Environment = Readonly<Record<string, string | undefined>>;

export interface HubSettings {
  /** Without a final slash. */
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly cacheDir: string;
  readonly offline: boolean;
  readonly retry: RetryRule;
  readonly fetch: typeof globalThis.fetch;
}

const PUBLIC_HUB = 'https://huggingface.co';
/** The revision when none is given. */
export const MAIN = 'main';

/** Whether there is a file system; elsewhere the browser keeps the files. */
export const inNode = (): boolean => typeof process !== 'undefined' && process.versions?.node !== undefined;

/** Options completed by the environment. @throws ConfigError for an endpoint that is no http(s) address */
export async function hubSettings(options: HubOptions = {}): Promise<HubSettings> {
  const env = environment(options);
  return {
    endpoint: endpointOf(options.endpoint ?? (env.HF_ENDPOINT || PUBLIC_HUB)),
    token: options.token === false ? undefined : (options.token ?? env.HF_TOKEN?.trim()) || (await savedToken(options)),
    cacheDir: inNode() ? await hubCacheDir(options) : '',
    offline: options.offline ?? isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE),
    retry: { ...RETRY_RULE, ...options.retry },
    fetch: options.fetch ?? globalThis.fetch,
  };
}

/** The folder of downloaded models, in Node. */
export async function hubCacheDir(options: Pick<HubOptions, 'cacheDir' | 'env'> = {}): Promise<string> {
  const env = environment(options);
  const dir = options.cacheDir ?? (env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || `${await hubHome(env)}/hub`);
  return expandHome(dir, env);
}

/** Revision of a request. @throws ConfigError for one that cannot be a name in the cache */
export function checkedRevision(revision: string): string {
  if (isRevision(revision)) return revision;
  throw new ConfigError('not a revision', { seen: JSON.stringify(revision), expected: 'a branch, a tag or a commit' });
}

const environment = ({ env }: Pick<HubOptions, 'env'>): Environment => env ?? (inNode() ? process.env : {});
const isTrue = (text = '') => /^(1|on|yes|true)$/i.test(text);

async function hubHome(env: Environment): Promise<string> {
  return expandHome(env.HF_HOME || `${env.XDG_CACHE_HOME || '~/.cache'}/huggingface`, env);
}

async function expandHome(path: string, env: Environment): Promise<string> {
  if (!/^~(?=$|[/\\])/.test(path)) return path;
  const { homedir } = process.getBuiltinModule('node:os');
  return (env.HOME || homedir()) + path.slice(1);
}

function endpointOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username)
    throw new ConfigError('not the address of a hub', {
      seen: address,
      expected: 'an http(s) URL',
      fix: 'set HF_ENDPOINT',
    });
  return url.href.replace(/\/+$/, '');
}

/** The token that the reference's login has written. */
async function savedToken({ token, env: given }: HubOptions): Promise<string | undefined> {
  const env = environment({ env: given });
  if (token === false || !inNode() || isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  const path = await expandHome(env.HF_TOKEN_PATH || `${await hubHome(env)}/token`, env);
  const { readFile } = await nodeFiles();
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
    throw new ConfigError('the file of the hub token cannot be read', {
      seen: error.message,
      fix: 'make it readable, or set HF_TOKEN',
      where: path,
      cause: error,
    });
  });
  return text.trim() || undefined;
}
