/** What a run will need before it has begun: memory, computation, time; and the refusal of one that will not fit. */
import { BackendError, ConfigError } from '../../errors.ts';
import { type Backend, cost, gradient, type Tensor } from '../../tensor/index.ts';
import { planGraph } from '../../tensor/planner.ts';

/** What one batch takes, forward and backward. */
export interface BatchSize {
  /** Floating-point operations. */
  readonly flops: number;
  /** The most that intermediate results take at one moment. */
  readonly activationBytes: number;
}

/**
 * The size of a batch from the graph of its loss: nothing is computed, but it is planned as it will run.
 * @param wrt the parameters that learn
 * @throws what `gradient` throws
 */
export function sizeOfBatch(backend: Backend, loss: Tensor, wrt: readonly Tensor[]): BatchSize {
  const gradients = gradient(loss, wrt);
  const wanted = [
    { tensor: loss, as: 'host' as const },
    ...gradients.map(tensor => ({ tensor, as: 'device' as const })),
  ];
  return { flops: cost(loss, ...gradients).flops, activationBytes: planGraph(backend, wanted).plan.arenaBytes };
}

export interface ForecastInput {
  /** Bytes of the weights, of one gradient each for those that learn, and of what the optimizer keeps. */
  readonly memory: { readonly parameters: number; readonly gradients: number; readonly optimizer: number };
  readonly batch: BatchSize;
  /** Batches that make one step. Default 1. */
  readonly batchesPerStep?: number | undefined;
  readonly steps: number;
  /** Milliseconds of a step that was made, without the planning of the first. */
  readonly stepMs?: number | undefined;
  /** What the machine computes in a second, where no step was made yet. */
  readonly flopsPerSecond?: number | undefined;
  /** Bytes that may be used. */
  readonly limitBytes?: number | undefined;
}
export interface Forecast {
  readonly bytes: {
    readonly parameters: number;
    readonly gradients: number;
    readonly optimizer: number;
    readonly activations: number;
    readonly total: number;
  };
  readonly limitBytes: number | undefined;
  readonly fits: boolean;
  readonly flopsPerStep: number;
  readonly flops: number;
  /** Of the whole run; undefined when nothing says how fast it goes. */
  readonly milliseconds: number | undefined;
}

/** @throws ConfigError for a number of steps that is none */
export function forecast(input: ForecastInput): Forecast {
  const { memory, batch, batchesPerStep = 1, steps, stepMs, flopsPerSecond, limitBytes } = input;
  if (!(steps >= 0 && Number.isFinite(steps)))
    throw new ConfigError('a forecast needs the number of steps', { seen: `${steps}`, expected: 'a number from 0 on' });
  const { parameters, gradients, optimizer } = memory;
  const total = parameters + gradients + optimizer + batch.activationBytes;
  const flopsPerStep = batch.flops * batchesPerStep;
  const perStep = stepMs ?? (flopsPerSecond ? (1000 * flopsPerStep) / flopsPerSecond : undefined);
  return {
    bytes: { parameters, gradients, optimizer, activations: batch.activationBytes, total },
    limitBytes,
    fits: limitBytes === undefined || total <= limitBytes,
    flopsPerStep,
    flops: flopsPerStep * steps,
    milliseconds: perStep === undefined ? undefined : perStep * steps,
  };
}

/** @throws BackendError when a run will not fit, with the part that is too large and what makes it smaller */
export function checkFits({ fits, bytes, limitBytes }: Forecast): void {
  if (fits) return;
  const { parameters, gradients, optimizer, activations, total } = bytes;
  const gb = (n: number) => `${(n / 1e9).toPrecision(3)} GB`;
  const parts = Object.entries({ weights: parameters, gradients, optimizer, activations }).filter(([, n]) => n > 0);
  throw new BackendError('the run does not fit into memory', {
    seen: `${gb(total)}: ${parts.map(([name, n]) => `${name} ${gb(n)}`).join(', ')}`,
    expected: `at most ${gb(limitBytes!)}`,
    fix:
      activations > total - activations
        ? 'smaller batches (with more accumulation for the same step), a shorter context, or recomputing activations'
        : gradients + optimizer > parameters
          ? 'train an adapter (LoRA) or fewer layers, take an optimizer that keeps less (Adafactor, SGD), or a smaller model'
          : 'a smaller model',
  });
}
