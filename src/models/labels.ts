/** What a pass is compared with, by the reference's names, as tensors that fit what the heads give. */
import { ConfigError, ShapeError } from '../errors.ts';
import { classificationLoss, PROBLEM_TYPES, type ProblemType } from '../nn/loss.ts';
import { IGNORE, Tensor } from '../tensor/index.ts';
import type { ConfigReader } from './config-reader.ts';

type Rows = readonly ArrayLike<number>[];

/** With labels there is a loss. -100 leaves a place out. */
export interface Labels {
  /** `[B][T]` for a model of tokens, `[B]` for a classifier, `[B][N]` for one with a yes or no per class. */
  readonly labels?: Rows | ArrayLike<number> | undefined;
  /** `[B]`: 0 = the second segment follows the first, 1 = it does not. */
  readonly next_sentence_label?: ArrayLike<number> | undefined;
  /** `[B]`: first token of the answer. */
  readonly start_positions?: ArrayLike<number> | undefined;
  /** `[B]`: last token of the answer. */
  readonly end_positions?: ArrayLike<number> | undefined;
}

/** What a config says that its labels are; undefined = the labels themselves tell. */
export function problemType(read: ConfigReader): ProblemType | undefined {
  if (!read.has('problem_type')) return undefined;
  const type = read.string('problem_type');
  const known = PROBLEM_TYPES.find(name => name === type);
  read.check(known !== undefined, `problem_type ${type} is not one of ${PROBLEM_TYPES.join(', ')}`);
  return known;
}
/** Mean loss of a classifier of whole texts. */
export function sequenceLoss(logits: Tensor, { labels }: Labels, config: unknown): Tensor | undefined {
  const { problem_type } = config as { problem_type?: ProblemType | undefined };
  return labels && classificationLoss(logits, labelTensor(labels, logits), problem_type);
}

/**
 * Labels for logits `[..., N]`: classes as i32, or for one class and for a yes or no per class numbers as f32.
 * @throws ShapeError, ConfigError when they do not fit the logits
 */
export function labelTensor(labels: Rows | ArrayLike<number>, logits: Tensor): Tensor {
  const { flat, shape } = flatten(labels);
  const classes = logits.dim(-1);
  const places = logits.shape.slice(0, -1);
  if (`${shape}` === `${logits.shape}` || (classes === 1 && `${shape}` === `${places}`))
    return Tensor.from(Float32Array.from(flat), shape);
  return classTensor(flat, shape, places, classes, logits.shape);
}

/** Classes 0 to `classes` - 1 for places of any shape, as i32. @throws ShapeError, ConfigError when they do not fit */
export function classLabels(labels: Rows | ArrayLike<number>, places: readonly number[], classes: number): Tensor {
  const { flat, shape } = flatten(labels);
  return classTensor(flat, shape, places, classes);
}

function classTensor(
  flat: number[],
  shape: number[],
  places: readonly number[],
  classes: number,
  other?: readonly number[],
): Tensor {
  if (`${shape}` !== `${places}`)
    throw new ShapeError('labels do not fit the logits', {
      seen: `[${shape}]`,
      expected: `[${places}]${other ? ` or [${other}]` : ''}`,
    });
  const stranger = flat.find(x => !(Number.isInteger(x) && ((x >= 0 && x < classes) || x === IGNORE)));
  if (stranger !== undefined)
    throw new ConfigError('a label that is no class', {
      seen: `${stranger}`,
      expected: `0 to ${classes - 1}, or ${IGNORE} to leave it out`,
    });
  return Tensor.from(Int32Array.from(flat), shape);
}

function flatten(labels: Rows | ArrayLike<number>): { flat: number[]; shape: number[] } {
  const rows = Array.from(labels as ArrayLike<number | ArrayLike<number>>);
  const flat = rows.flatMap(row => (typeof row === 'number' ? row : Array.from(row)));
  const nested = rows.some(row => typeof row !== 'number');
  return { flat, shape: nested ? [rows.length, flat.length / rows.length] : [rows.length] };
}
