/** The form of an optimizer: what it keeps of a parameter, which numbers change from step to step, and one update as a graph. */
import type { ParamSpec } from '../../nn/params.ts';
import type { Shape, Tensor } from '../../tensor/index.ts';

/** Settings that stay as they are for a whole run, by the reference's names in camelCase. */
export interface OptimizerSettings {
  readonly adamBeta1: number;
  readonly adamBeta2: number;
  readonly adamEpsilon: number;
  /** Adam: divide by the largest second moment so far. Reddi et al. 2018. */
  readonly amsgrad: boolean;
  /** SGD: share of the last step that the next one keeps. */
  readonly momentum: number;
  /** SGD: look ahead along the momentum. Sutskever et al. 2013. */
  readonly nesterov: boolean;
  /** Adafactor: steps in proportion to the size of the parameter. */
  readonly scaleParameter: boolean;
  /** Adafactor: a learning rate of its own, from the number of steps; `learningRate` and its schedule do not count then. */
  readonly relativeStep: boolean;
  /** Adafactor: the learning rate of its own starts small. */
  readonly warmupInit: boolean;
}

/** A step, as it is for one group of parameters. */
export interface StepAt {
  /** From 1. */
  readonly step: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** What gradients are multiplied by, so that they are not too large together. */
  readonly clip: number;
}

/** One parameter in one step. */
export interface Update<State extends string, Numbers extends string> {
  readonly value: Tensor;
  /** Of the parameter's shape, not yet clipped. */
  readonly gradient: Tensor;
  readonly state: Readonly<Record<State, Tensor>>;
  /** Scalars. */
  readonly numbers: Readonly<Record<Numbers, Tensor>>;
  readonly settings: OptimizerSettings;
}
/** What a parameter and everything that is kept of it become. */
export interface Updated<State extends string> {
  readonly value: Tensor;
  readonly state: Readonly<Partial<Record<State, Tensor>>>;
}

export interface Optimizer<State extends string = string, Numbers extends string = string> {
  /** Parameters that it is not for, and what updates those. */
  readonly others?: { of(spec: ParamSpec): boolean; readonly optimizer: Optimizer };
  /** Shapes of what it keeps of a parameter. It starts as zeros. */
  state(shape: Shape, settings: OptimizerSettings): Readonly<Partial<Record<State, Shape>>>;
  /** What changes from step to step: leaves of the graph and no part of its structure, so that one plan serves all steps. */
  numbers(at: StepAt, settings: OptimizerSettings): Readonly<Record<Numbers, number>>;
  /** The graph of an update. Nothing is computed. */
  update(given: Update<State, Numbers>): Updated<State>;
}

/** Ties an optimizer's functions to the names of its state and numbers. */
export const optimizer = <State extends string, Numbers extends string>(form: Optimizer<State, Numbers>): Optimizer =>
  form as unknown as Optimizer;
