/**
 * The page's thread stays free while a larger model writes. Runs before the other suites, so that the code is as cold as in
 * a page that was just opened.
 */
import { createWasmBackend, type WasmBackend } from '../../src/backends/wasm/index.ts';
import { Model } from '../../src/hub/model.ts';
import { initializeParameters } from '../../src/nn/initialize.ts';
import { listParams } from '../../src/nn/params.ts';
import { loadTokenizerFrom } from '../../src/tokenizers/index.ts';
import { readConfig } from '../families/tiny-model.ts';
import { equal, fetchBytes, longestBlock, type Suite } from './check.ts';

const TOKENIZER = '/data/tokenizers/o200k-style';
const TEXT = 'Der Hund jagt die Katze. ';
/** Longer than this, a page feels stuck. */
const MOST_MS = 50;

/** A GPT-2 of 6 layers with random weights and a tokenizer whose ids it knows. */
async function randomModel(backend: WasmBackend): Promise<Model> {
  const shape = { n_layer: 6, n_embd: 384, n_head: 6, n_positions: 512, vocab_size: 8000 };
  const { architecture, config } = await readConfig({ model_type: 'gpt2', ...shape });
  const spec = architecture.heads.causalLM!.parameters(config);
  return new Model({
    ...{ architecture, config, backend, head: 'causalLM', type: 'gpt2', defaults: {}, unexpected: [] },
    specs: new Map(listParams(spec)),
    params: await initializeParameters(spec, backend, 7),
    tokenizer: await loadTokenizerFrom(file => fetchBytes(TOKENIZER, file), ['tokenizer.json']),
  });
}

export const responsiveSuite: Suite = {
  'sees a page that is blocked': async () => {
    const block = await longestBlock(async () => {
      const end = performance.now() + 2 * MOST_MS;
      while (performance.now() < end);
    });
    if (block < MOST_MS) throw new Error(`${block.toFixed(1)} ms seen of a block of ${2 * MOST_MS} ms`);
  },

  'writes text, and the page stays responsive': async () => {
    let backend: WasmBackend | undefined;
    const starting = await longestBlock(async () => {
      backend = await createWasmBackend();
    });
    const model = await randomModel(backend!);
    try {
      const { tokenizer } = model;
      const prompt = tokenizer.encodeIds(TEXT.repeat(60)).slice(0, 200);
      equal(prompt.length, 200, 'tokens of the prompt');
      let text = '';
      let ids: readonly number[] = [];
      const generate = async () => {
        text = '';
        for await (const event of model.generate([prompt], { maxNewTokens: 30, eosTokenId: [] })) {
          text += event.text;
          if (event.type === 'done') ids = event.sequences[0]!.ids;
        }
      };
      const blocks: number[] = [];
      const times: number[] = [];
      for (let i = 0; i < 5; i++) {
        const began = performance.now();
        blocks.push(await longestBlock(generate));
        times.push(performance.now() - began);
      }
      equal(ids.length, 30, 'new tokens');
      equal(text, tokenizer.decode([...prompt, ...ids]).slice(tokenizer.decode(prompt).length), 'text');
      const [first, ...later] = blocks.map(ms => ms.toFixed(1));
      const note = `start ${starting.toFixed(1)} ms, first generation ${first}, later ones ${later.join(' ')}; each takes ${Math.min(...times).toFixed(0)} ms`;
      // The quietest of the later ones counts: other work on the machine also keeps a page waiting.
      if (Math.min(...blocks.slice(1)) > MOST_MS) throw new Error(`the page was blocked: ${note}`);
      return `longest blocks: ${note}`;
    } finally {
      model.dispose();
      backend!.close();
    }
  },
};
