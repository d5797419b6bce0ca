/** Optimizers by name. */
import { adafactor } from './adafactor.ts';
import { adagrad } from './adagrad.ts';
import { adam } from './adam.ts';
import { adamw } from './adamw.ts';
import { lion } from './lion.ts';
import { muon } from './muon.ts';
import type { Optimizer } from './optimizer.ts';
import { rmsprop } from './rmsprop.ts';
import { sgd } from './sgd.ts';

export type { Optimizer, OptimizerSettings } from './optimizer.ts';
export const OPTIMIZERS = { adamw, adam, sgd, adafactor, lion, muon, rmsprop, adagrad } as const satisfies Record<
  string,
  Optimizer
>;
export type OptimizerName = keyof typeof OPTIMIZERS;
