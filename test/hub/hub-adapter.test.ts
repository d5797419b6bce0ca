/** An adapter by its id: the model that it names comes from the hub too. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/backends/reference/index.ts';
import { load, loadAdapter } from '../../src/hub/load.ts';
import { type Hub, startHub } from './hub-server.ts';
import { bytesOf, checkpointFiles, optionsFor } from './tiny-hub.ts';

const ADAPTER = fileURLToPath(new URL('../golden/data/gpt2-lora/', import.meta.url));
const backend = createReferenceBackend();

let hub: Hub;
let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'heed-hub-adapter-'));
  const config = JSON.parse(await readFile(`${ADAPTER}adapter_config.json`, 'utf8'));
  hub = await startHub({
    'org/gpt2': { files: checkpointFiles('gpt2') },
    'me/letters': {
      files: {
        'adapter_config.json': bytesOf(JSON.stringify({ ...config, base_model_name_or_path: 'org/gpt2' })),
        'adapter_model.safetensors': new Uint8Array(await readFile(`${ADAPTER}adapter_model.safetensors`)),
      },
    },
  });
});
afterEach(async () => {
  await hub.close();
  await rm(home, { recursive: true });
});

it('is loaded by itself and onto a model', async () => {
  const options = { ...optionsFor(hub, home), backend };
  const input_ids = [[5, 17, 3, 99]];
  const folder = await load(ADAPTER, { backend });
  const expected = [...(await (await folder.run({ input_ids })).logits.data())];
  const model = await load('me/letters', options);
  expect([...(await (await model.run({ input_ids })).logits.data())]).toEqual(expected);
  const base = await load('org/gpt2', { ...options, offline: true });
  const adapter = await loadAdapter(base, 'me/letters', options);
  const own = base.withAdapters([{ adapter }]);
  expect([...(await (await own.run({ input_ids })).logits.data())]).toEqual(expected);
});
