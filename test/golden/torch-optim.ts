/** The reference's optimizers on a small regression, step by step, and its learning rate schedules. */
import { param } from '../../src/nn/params.ts';
import { type Backend, Tensor } from '../../src/tensor/index.ts';
import { gradientBuffers } from '../../src/train/gradients.ts';
import {
  type OptimizerName,
  type ScheduleName,
  type ScheduleSettings,
  scheduleAt,
  type TrainOptions,
  trainSettings,
} from '../../src/train/index.ts';
import { updatesOf } from '../../src/train/updates.ts';
import { broken, type Check, compareFloats, compareNumber, type Expected } from './compare.ts';
import { type GoldenFiles, readJson, readTensors } from './golden-files.ts';

/** Settings of a run, by the names of the reference's constructors. */
interface Run {
  readonly lr?: number;
  readonly betas?: readonly [number, number];
  readonly eps?: number | readonly number[];
  readonly weight_decay?: number | { readonly w: number; readonly b: number };
  readonly weight_decay_l2?: number;
  readonly amsgrad?: boolean;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly scale_parameter?: boolean;
  readonly relative_step?: boolean;
  readonly warmup_init?: boolean;
  readonly clip_grad_norm?: number;
  readonly schedule?: string;
  readonly lr_used: readonly (number | null)[];
}
interface OptimFile {
  readonly runs: Readonly<Record<string, Run>>;
  readonly schedules: {
    readonly base_lr: number;
    readonly warmup_steps: number;
    readonly total_steps: number;
    readonly cosine_with_restarts: { readonly num_cycles: number };
    readonly polynomial: { readonly lr_end: number; readonly power: number };
    readonly values: Readonly<Record<string, readonly number[]>>;
  };
}

/** Checks of `optim.json` and `optim.safetensors`. */
export async function* optimizerChecks(files: GoldenFiles, folder: string, backend: Backend): AsyncGenerator<Check> {
  const file = (await readJson<OptimFile>(files, `${folder}/optim.json`))!;
  const tensors = (await readTensors(files, `${folder}/optim.safetensors`)) ?? new Map<string, Expected>();
  for (const [name, run] of Object.entries(file.runs)) yield* runChecks(name, run, tensors, backend);
  yield* scheduleChecks(file.schedules);
}

const NO_BATCHES = { async *from() {} };

function optionsOf(name: string, run: Run): TrainOptions {
  const { weight_decay: decay = run.weight_decay_l2 ?? 0 } = run;
  const warm = Number(/(\d+) warm-up/.exec(run.schedule ?? '')?.[1] ?? 0);
  return {
    batches: NO_BATCHES,
    optim: name.split('_')[0] as OptimizerName,
    learningRate: run.lr,
    weightDecay: typeof decay === 'number' ? decay : decay.w,
    decays: typeof decay === 'number' ? () => true : key => key === 'w',
    adamBeta1: run.betas?.[0],
    adamBeta2: run.betas?.[1],
    adamEpsilon: typeof run.eps === 'number' ? run.eps : undefined,
    amsgrad: run.amsgrad,
    momentum: run.momentum,
    nesterov: run.nesterov,
    scaleParameter: run.scale_parameter,
    relativeStep: run.relative_step,
    warmupInit: run.warmup_init,
    maxGradNorm: run.clip_grad_norm ?? 0,
    lrSchedulerType: (/^(cosine|linear)/.exec(run.schedule ?? '')?.[1] as ScheduleName | undefined) ?? 'constant',
    warmupSteps: warm,
    maxSteps: run.lr_used.length,
  };
}

async function* runChecks(
  name: string,
  run: Run,
  tensors: ReadonlyMap<string, Expected>,
  backend: Backend,
): AsyncGenerator<Check> {
  const onDevice = (key: string): Tensor => {
    const { data, shape } = tensors.get(key)!;
    const buffer = backend.alloc(4 * data.length);
    backend.write(buffer, Float32Array.from(data));
    return Tensor.fromDevice(buffer, shape);
  };
  const [w, b, x, y] = [onDevice('w0'), onDevice('b0'), onDevice('x'), onDevice('y')];
  const settings = trainSettings(optionsOf(name, run));
  const learned = Object.entries({ w, b }).map(([key, tensor]) => ({
    ...{ name: key, tensor, fileName: key },
    spec: param(tensor.shape, 'zeros'),
  }));
  const gradients = gradientBuffers([w, b], backend);
  const updates = updatesOf(learned, gradients.tensors, () => [], backend, settings);
  const loss = () => {
    const error = x.matmul(w).add(b).sub(y);
    return error
      .mul(error)
      .sumAll()
      .mul(1 / error.size);
  };
  const at = (key: string, step: number): Expected => {
    const { shape, data } = tensors.get(`${name}/${key}`)!;
    const size = data.length / shape[0]!;
    return { shape: shape.slice(1), data: Array.from(data).slice(step * size, (step + 1) * size) };
  };
  for (const [i, used] of run.lr_used.entries()) {
    const found = await gradients.sumOver([{ inputs: {}, tokens: 1, examples: 1 }], loss);
    yield { name: `${name}/loss`, part: `step ${i}`, ...compareNumber(found.loss, at('loss', i).data[0]!) };
    const norm = at('grad_norm_before_clip', i).data[0]!;
    yield { name: `${name}/gradient norm`, part: `step ${i}`, ...compareNumber(found.norm, norm) };
    const rate = settings.learningRate * scheduleAt(settings.lrSchedulerType, i, scheduleOf(settings));
    // An optimizer with a learning rate of its own names none.
    if (used !== null) yield { name: `${name}/learning rate`, part: `step ${i}`, ...compareNumber(rate, used) };
    const clip = settings.maxGradNorm ? Math.min(1, settings.maxGradNorm / (found.norm + 1e-6)) : 1;
    await updates.step({ step: i + 1, learningRate: rate, clip }, found.reached);
    for (const { name: key, tensor } of learned)
      yield { name: `${name}/${key}`, part: `step ${i}`, ...compareFloats(await tensor.data(), at(key, i)) };
  }
  gradients.dispose();
  updates.dispose();
  for (const tensor of [w, b, x, y]) tensor.dispose();
}
const scheduleOf = (settings: ReturnType<typeof trainSettings>): ScheduleSettings => ({
  ...settings,
  totalSteps: settings.maxSteps!,
  numCycles: 0.5,
});

function* scheduleChecks(file: OptimFile['schedules']): Generator<Check> {
  for (const [name, values] of Object.entries(file.values)) {
    const settings: ScheduleSettings = {
      warmupSteps: file.warmup_steps,
      totalSteps: file.total_steps,
      minLrRatio: 0,
      numCycles: name === 'cosine_with_restarts' ? file.cosine_with_restarts.num_cycles : 0.5,
      power: file.polynomial.power,
      lrEndRatio: file.polynomial.lr_end / file.base_lr,
      decaySteps: 0,
    };
    if (values.length === 0) yield broken(name, 'no values');
    for (const [step, value] of values.entries()) {
      const ours = file.base_lr * scheduleAt(name as ScheduleName, step, settings);
      yield { name: `schedule ${name}`, part: `step ${step}`, error: Math.abs(ours - value), bound: 1e-12 };
    }
  }
}
