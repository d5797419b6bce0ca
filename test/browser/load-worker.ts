/** heed in a worker of its own: loads the model at an address and posts what it writes, or why it cannot. */
import { createWasmBackend } from '../../src/backends/wasm/index.ts';
import { load } from '../../src/hub/load.ts';

/** What the worker answers. */
export interface Written {
  /** How heed computes there. */
  readonly link?: string;
  readonly text?: string;
  readonly error?: string;
}

addEventListener('message', async ({ data }: MessageEvent<{ address: string; prompt: string }>) => {
  const answer = (written: Written) => postMessage(written);
  try {
    const backend = await createWasmBackend();
    const model = await load(data.address, { backend });
    let text = '';
    for await (const event of model.generate(data.prompt, { maxNewTokens: 8, temperature: 0 })) text += event.text;
    answer({ text, link: backend.link.kind });
    model.dispose();
    backend.close();
  } catch (error) {
    answer({ error: String(error) });
  }
});
