/** Ten steps of AdamW on one batch: losses, gradient norms, learning rates and the parameters that they end with. */
import type { Model } from '../../src/hub/model.ts';
import { nodeOf } from '../../src/nn/adapter.ts';
import type { Tensor } from '../../src/tensor/index.ts';
import { type Batches, type StepEvent, type TrainBatch, train, validate } from '../../src/train/index.ts';
import { broken, type Check, compareGradient, type Expected } from './compare.ts';
import { inputsOf } from './forward.ts';
import { type Golden, type GoldenFiles, readJson, readTensors } from './golden-files.ts';
import { transpose } from './gradients.ts';

/** What the reference's run was and gave. */
interface TrainFile {
  readonly optimizer: {
    readonly lr: number;
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly clip_grad_norm: number;
  };
  /** One more than steps. */
  readonly loss: readonly number[];
  readonly grad_norm_before_clip: readonly number[];
  readonly lr: readonly number[];
  /** Their gradients are zero but for rounding, and Adam makes steps of full size of that. */
  readonly noise_dominated_parameters?: Readonly<Record<string, number>>;
}
/** Bound of losses and norms, relative. The run of this one family is chaotic at its learning rate: rounding alone moves it so far. */
const BOUND = 1e-4;
const CHAOTIC: Readonly<Record<string, number>> = { bart: 2e-3 };
/** Weight decay of matrices; warm-up and length of the cosine, as `train.json` says in words. */
const [DECAY, WARMUP, STEPS] = [0.1, 3, 10];

/** All checks of a folder's `train.json`, if it has one. */
export async function* trainChecks(files: GoldenFiles, golden: Golden, model: Model): AsyncGenerator<Check> {
  const file = await readJson<TrainFile>(files, `${golden.folder}/train.json`);
  const batch = golden.cases.get('batch');
  if (!file || !batch) return;
  const { optimizer } = file;
  const bound = CHAOTIC[golden.folder] ?? BOUND;
  const batches = always({ inputs: inputsOf(batch), tokens: 1, examples: 1 });
  const steps: StepEvent[] = [];
  const run = train(model, {
    batches,
    learningRate: optimizer.lr,
    adamBeta1: optimizer.betas[0],
    adamBeta2: optimizer.betas[1],
    adamEpsilon: optimizer.eps,
    weightDecay: DECAY,
    maxGradNorm: optimizer.clip_grad_norm,
    lrSchedulerType: 'cosine',
    warmupSteps: WARMUP,
    maxSteps: STEPS,
  });
  for await (const event of run) if (event.type === 'step') steps.push(event);
  const { loss: last } = await validate(model.parts, batches);

  const numbers = (name: string, ours: readonly number[], theirs: readonly number[], of = bound): Check[] =>
    theirs.map((value, i) => ({
      name: `train/${name}`,
      part: `step ${i}`,
      error: Math.abs(ours[i]! - value) / (Math.abs(value) || 1),
      bound: of,
    }));
  yield* numbers('losses', [...steps.map(({ loss }) => loss), last], file.loss);
  yield* numbers(
    'gradient norms',
    steps.map(({ gradientNorm }) => gradientNorm),
    file.grad_norm_before_clip,
  );
  yield* numbers(
    'learning rates',
    steps.map(({ learningRate }) => learningRate),
    file.lr,
    1e-12,
  );
  yield* finalChecks(model, await readTensors(files, `${golden.folder}/train_final.safetensors`), file, bound);
}

/** The same batch for ever; as validation data once. */
const always = (batch: TrainBatch): Batches => ({
  async *from() {
    for (let epoch = 0; ; epoch++) yield { batch, next: null, epoch };
  },
});

async function* finalChecks(
  model: Model,
  final: ReadonlyMap<string, Expected> | undefined,
  { noise_dominated_parameters: noise = {} }: TrainFile,
  bound: number,
): AsyncGenerator<Check> {
  const { architecture, config, specs, params } = model.parts;
  for (const [key, expected] of final ?? []) {
    const name = architecture.rename(key, config);
    const spec = name === undefined ? undefined : specs.get(name);
    if (name === undefined || !spec) {
      yield broken('train/final parameters', `no parameter for the reference's ${key}`);
      continue;
    }
    const fused = /c_attn\.bias$/.test(key);
    if (key in noise && !fused) continue;
    const values = await (nodeOf(params, name) as Tensor).data();
    const theirs = spec.transposed ? transpose(expected) : expected;
    const third = values.length / 3;
    // Of a fused bias the middle third is the keys'.
    const counts = (i: number) => !(key in noise) || i < third || i >= 2 * third;
    const ours = Float32Array.from(values, (x, i) => (counts(i) ? x : theirs.data[i]!));
    const { error, bound: usual } = compareGradient(ours, theirs);
    yield { name: 'train/final parameters', part: name, error, bound: Math.max(usual, (usual * bound) / BOUND) };
  }
}
