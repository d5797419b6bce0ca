/** One step after the other: gradients of a group of batches, clipped, and what the optimizer makes of them. */
import { assign, scopeSegments, Tensor } from '../tensor/index.ts';
import { createRng } from '../util/rng.ts';
import type { BatchGroup } from './batch-groups.ts';
import { restore } from './checkpoint.ts';
import { withDropout } from './dropout.ts';
import { gradientBuffers } from './gradients.ts';
import { lossOfBatch } from './loss.ts';
import type { TrainSettings } from './options.ts';
import { derivedFrom, type Learned, type Trainee } from './trainee.ts';
import { updatesOf } from './updates.ts';

/** What a step is made of, before the optimizer has changed anything. */
export interface MeasuredStep {
  readonly loss: number;
  readonly gradientNorm: number;
  /** Parameters that the loss does not depend on. They stay as they are. */
  readonly unreached: readonly string[];
  /** Makes it. */
  apply(learningRate: number): Promise<void>;
}
export interface Steps {
  /** What the optimizer keeps, by name. */
  readonly optimizer: ReadonlyMap<string, Tensor>;
  /** @param step from 1 */
  measure(group: BatchGroup, step: number): Promise<MeasuredStep>;
  /** Goes on from a checkpoint. @throws CheckpointError when it does not hold what it should */
  restore(path: string): Promise<void>;
  restoreWeights(path: string): Promise<void>;
  dispose(): void;
}

/** The layers of a model, each for itself. */
const LAYERS = ['blocks.*', 'encoder.blocks.*', 'decoder.blocks.*'].map(scopeSegments);
const blocks = (node: Tensor): string | undefined => LAYERS.map(of => of(node)).find(name => name !== undefined);

/** Allocates what steps need. Dispose it. */
export function stepsOf(model: Trainee, learned: readonly Learned[], settings: TrainSettings): Steps {
  const { parts } = model;
  const tensors = learned.map(({ tensor }) => tensor);
  const gradients = gradientBuffers(tensors, parts.backend, settings.gradientCheckpointing ? blocks : undefined);
  const updates = updatesOf(learned, gradients.tensors, now => derivedFrom(model, now), parts.backend, settings);
  const derive = async () => {
    const derived = derivedFrom(model, tensor => tensor);
    if (derived.length) await assign(derived);
  };
  const { maxGradNorm, labelSmoothing, lossOf, dropout, attentionDropout } = settings;
  const seedOf = (step: number, i: number) =>
    Tensor.from(Int32Array.of(createRng(settings.seed, step, i).uint32()), []);
  return {
    optimizer: updates.state,
    async measure(group, step) {
      const { loss, norm, reached } = await gradients.sumOver(group.batches, (batch, i) => {
        const plain = lossOfBatch(parts, batch, lossOf, labelSmoothing);
        return dropout + attentionDropout > 0
          ? withDropout(plain, { dropout, attentionDropout, seed: seedOf(step, i) })
          : plain;
      });
      // PyTorch's clip_grad_norm_, its 1e-6 too.
      const clip = maxGradNorm > 0 ? Math.min(1, maxGradNorm / (norm + 1e-6)) : 1;
      return {
        loss,
        gradientNorm: norm,
        unreached: learned.flatMap(({ name }, i) => (reached[i] ? [] : [name])),
        apply: learningRate => updates.step({ step, learningRate, clip }, reached),
      };
    },
    async restore(path) {
      await restore(path, learned, updates.state);
      await derive();
    },
    async restoreWeights(path) {
      await restore(path, learned, undefined);
      await derive();
    },
    dispose() {
      gradients.dispose();
      updates.dispose();
    },
  };
}
