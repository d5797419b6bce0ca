/** Holds what a GGUF file is about to say against the model that it is made from, by reading it as any file is read. */
import { UnsupportedError } from '../errors.ts';
import type { GgufCheckpoint, GgufMetadata, GgufMetadataToWrite, GgufValue } from '../formats/index.ts';
import { attentionFactor, inverseFrequencies, type RopeConfig } from '../nn/rope.ts';
import { ConfigReader } from './config-reader.ts';
import type { GgufTensorPlan, ModelToExport } from './gguf-export.ts';
import { ggufModel } from './gguf-model.ts';
import { architectureOf } from './index.ts';

interface Said {
  readonly metadata: GgufMetadataToWrite;
  readonly tensors: readonly GgufTensorPlan[];
}

/** Tokens, which the tokenizer's keys say. */
const TOKENS = ['pad_token_id', 'eos_token_id', 'bos_token_id', 'mask_token_id'];
/** Not of what is computed from a text: names of classes, settings of training, and tokens. */
const NOT_SAID = ['labels', 'problem_type', 'output_router_logits', 'router_aux_loss_coef', ...TOKENS];

/** @throws UnsupportedError that names what such a file would say otherwise */
export async function checkExport({ architecture, config, where }: ModelToExport, said: Said): Promise<void> {
  const { json, views } = await ggufModel(fileOf(said), where);
  const { architecture: read, json: full } = await architectureOf(json);
  const own = config as Readonly<Record<string, unknown>>;
  const tokens = TOKENS.filter(name => typeof own[name] === 'number').map(name => [name, own[name]]);
  const reader = new ConfigReader({ ...full, ...Object.fromEntries(tokens) }, `GGUF metadata of ${where}`);
  const again = read.config(reader) as Readonly<Record<string, unknown>>;
  reader.finish();
  const differences = Object.entries(own).filter(
    ([name, value]) => !NOT_SAID.includes(name) && !same(value, again[name]),
  );
  const lost = said.tensors
    .flatMap(({ from }) => ('sources' in from ? from.sources : []))
    .filter(key => {
      const name = architecture.rename(key, config);
      return ![...views.keys()].some(view => read.rename(view, again) === name);
    });
  if (read === architecture && differences.length === 0 && lost.length === 0) return;
  throw new UnsupportedError('a GGUF file of this architecture cannot say what the model is', {
    seen: [
      ...differences.map(([name, value]) => `${name} ${shown(value)} would be read as ${shown(again[name])}`),
      ...lost.map(name => `${name} would not be found`),
    ]
      .slice(0, 8)
      .join('; '),
    fix: 'save it as safetensors in half precision: model.save(folder, { dtype: "bf16" })',
    where,
  });
}

const shown = (value: unknown): string => String(JSON.stringify(value)).slice(0, 100);

/** The head of the file, as reading it gives it. */
function fileOf({ metadata, tensors }: Said): GgufCheckpoint {
  const values = new Map(Object.entries(metadata).map(([key, value]) => [key, readAgain(value)]));
  const counts = { version: 3, tensorCount: tensors.length, end: 0 } as const;
  const head: GgufMetadata = { ...counts, values, types: new Map(), stored: new Map() };
  const numbers = new Map(tensors.flatMap(({ name, from }) => ('sources' in from ? [] : [[name, from] as const])));
  return {
    format: 'GGUF',
    metadata: {},
    head,
    tensors: new Map(
      tensors.map(({ name, shape }) => [
        name,
        { name, shape, dtype: 'F32', byteLength: 4 * shape.reduce((n, d) => n * d, 1), begin: 0 },
      ]),
    ),
    async read(name) {
      return new Uint8Array(numbers.get(name)!.buffer);
    },
    async close() {},
  };
}

function readAgain(value: GgufMetadataToWrite[string]): GgufValue {
  if (typeof value !== 'object' || Array.isArray(value) || ArrayBuffer.isView(value)) return value as GgufValue;
  const { type, value: number } = value as { readonly type: string; readonly value: number };
  return type === 'F32' ? Math.fround(number) : number;
}

/** Equal as far as single precision can say; rotary positions if they turn alike. */
function same(a: unknown, b: unknown): boolean {
  if (isRope(a) && isRope(b)) return sameTurns(a, b);
  if (typeof a === 'number' && typeof b === 'number') return Math.fround(a) === Math.fround(b);
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return a === b;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every(key => same((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}

const isRope = (value: unknown): value is RopeConfig =>
  typeof value === 'object' && value !== null && 'theta' in value && 'scaling' in value;

function sameTurns(a: RopeConfig, b: RopeConfig): boolean {
  const near = (x: number, y: number) => Math.abs(x - y) <= 1e-6 * Math.abs(x);
  const lengths = [1, a.maxPositions, 4 * a.maxPositions];
  return (
    a.dim === b.dim &&
    a.maxPositions === b.maxPositions &&
    near(attentionFactor(a.scaling), attentionFactor(b.scaling)) &&
    lengths.every(length => {
      const other = inverseFrequencies(b, length);
      return inverseFrequencies(a, length).every((f, i) => near(f, other[i]!));
    })
  );
}
