/**
 * `npm run bench -- [section ...] [--json]`: what heed reaches here. Figures are compared with limits measured in the same
 * run; on a busy machine trust the ratios, not the absolute numbers. HEED_REVECTORIZE=0 shows the 128-bit kernels.
 */
import { bandwidth } from './bandwidth.ts';
import { constrain } from './constrain.ts';
import { crossAttention } from './cross-attention.ts';
import { load, machine } from './engine.ts';
import { gemm } from './gemm.ts';
import { growth } from './growth.ts';
import { llama } from './llama.ts';
import { model } from './model.ts';
import { optimizers } from './optimizers.ts';
import { quantized } from './quantized.ts';
import { startUp } from './start-up.ts';
import { printTable, type Row } from './table.ts';
import { tokenizerGrowth, tokenizers } from './tokenizers.ts';
import { trainStep } from './train-step.ts';
import { trainTokenizers } from './train-tokenizer.ts';

/** Sections by name, in the order in which they run. */
const SECTIONS: Record<string, () => Promise<Row[]>> = {
  bandwidth,
  gemm,
  quantized,
  model,
  llama,
  growth,
  'cross-attention': crossAttention,
  constrain,
  'train-step': trainStep,
  optimizers,
  'start-up': startUp,
  tokenizers,
  'tokenizer-growth': tokenizerGrowth,
  'train-tokenizer': trainTokenizers,
};

/** Take gigabytes of disk or many minutes: only when they are asked for. */
const ON_REQUEST = ['llama', 'optimizers'];

const json = process.argv.includes('--json');
const asked = process.argv.slice(2).filter(argument => !argument.startsWith('--'));
const unknown = asked.filter(name => !(name in SECTIONS));
if (unknown.length) {
  console.error(`no such section: ${unknown.join(', ')}; there are: ${Object.keys(SECTIONS).join(', ')}`);
  process.exit(2);
}
console.log(json ? JSON.stringify({ machine: machine(), load: load() }) : `${machine()}\nload average ${load()}`);
for (const [name, section] of Object.entries(SECTIONS))
  if (asked.length ? asked.includes(name) : !ON_REQUEST.includes(name)) printTable(name, await section(), json);
console.log(json ? JSON.stringify({ load: load() }) : `\nload average ${load()}`);
