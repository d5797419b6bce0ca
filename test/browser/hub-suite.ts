/** What the hub must be in a page: models by their ids, kept by the browser, the token with nobody but the hub. */
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { hubFiles, urlFiles } from '../../src/hub/files.ts';
import { type LoadOptions, load } from '../../src/hub/load.ts';
import type { SeenRequest } from '../hub/hub-server.ts';
import { equal, failure, GOLDEN, type Suite } from './check.ts';

/** The hub of the tests, and what it was asked. */
async function hubFacts(): Promise<{ endpoint: string; requests: SeenRequest[] }> {
  return (await (await fetch('/hub.json')).json()) as { endpoint: string; requests: SeenRequest[] };
}
const { endpoint } = await hubFacts();
const files = (request: SeenRequest) => request.path.includes('/resolve/') || request.host === 'cdn';

async function logitsOf(source: Parameters<typeof load>[0], options: LoadOptions = {}): Promise<string> {
  const backend = await createWasmBackend();
  try {
    const model = await load(source, { endpoint, backend, ...options });
    return String(await (await model.run({ input_ids: [[5, 17, 3, 99, 42]] })).logits.data());
  } finally {
    backend.close();
  }
}

export const hubSuite: Suite = {
  'loads a model by its id, once from the hub and then from the cache of the browser': async () => {
    const expected = await logitsOf(urlFiles(`${GOLDEN}/gpt2`));
    let bytes = 0;
    equal(
      await logitsOf('org/tiny', { onProgress: p => void (p.stage === 'download' && (bytes = p.loadedBytes)) }),
      expected,
      'logits',
    );
    const fetched = (await hubFacts()).requests.filter(files).length;
    if (fetched < 2 || bytes < 128_000) throw new Error(`${fetched} requests, ${bytes} bytes`);
    equal(await logitsOf('org/tiny'), expected, 'logits from the cache');
    equal(await logitsOf('org/tiny', { offline: true }), expected, 'logits offline');
    equal(await logitsOf('org/tiny', { endpoint: `${endpoint}/` }), expected, 'logits of the same hub');
    equal((await hubFacts()).requests.filter(files).length, fetched, 'requests');
    return `${bytes} bytes`;
  },

  'sends the token to the hub alone': async () => {
    const before = (await hubFacts()).requests.length;
    const pulled = await hubFiles('org/private', { endpoint, token: 'hf_secret' }).pull();
    equal(pulled.files.length, 3, 'files');
    const requests = (await hubFacts()).requests.slice(before);
    const tokens = (host: string) => [
      ...new Set(requests.filter(r => r.host === host).map(r => r.authorization ?? '')),
    ];
    equal([tokens('hub'), tokens('cdn')], [['Bearer hf_secret'], ['']], 'tokens');
  },

  'says what is not there': async () => {
    const message = await failure(() => load('org/absent', { endpoint }));
    if (!/no such model, or it is private; seen: "org\/absent": status 401 "RepoNotFound"/.test(message))
      throw new Error(message);
    const offline = await failure(() => load('org/other', { endpoint, offline: true }));
    if (!/model has not been downloaded/.test(offline)) throw new Error(offline);
  },
};
