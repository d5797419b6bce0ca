/** Every error that heed throws on purpose: what happened, what was seen, what was expected, what to do, where. */

/** The facts behind an error. Each is a short phrase without a final stop. */
export interface ErrorFacts {
  /** What was found, e.g. `[3, 3] @ [8, 4]`. */
  readonly seen?: string | undefined;
  /** What would have been right. */
  readonly expected?: string | undefined;
  /** What the reader can do about it. */
  readonly fix?: string | undefined;
  /** Where: a scope path, a file, a tensor name. */
  readonly where?: string | undefined;
  readonly cause?: unknown;
}

/** Base class of all errors of this library. `message` is complete; the facts are there for programs. */
export class HeedError extends Error {
  override name = 'HeedError';
  readonly seen?: string | undefined;
  readonly expected?: string | undefined;
  readonly fix?: string | undefined;
  readonly where?: string | undefined;

  constructor(what: string, facts: ErrorFacts = {}) {
    super(render(what, facts), facts.cause === undefined ? undefined : { cause: facts.cause });
    this.seen = facts.seen;
    this.expected = facts.expected;
    this.fix = facts.fix;
    this.where = facts.where;
  }
}

function render(what: string, { seen, expected, fix, where }: ErrorFacts): string {
  let text = what;
  if (seen) text += `; seen: ${seen}`;
  if (expected) text += `; expected: ${expected}`;
  if (fix) text += `; to do: ${fix}`;
  if (where) text += ` (in ${where})`;
  return text;
}

/** Shapes that do not fit together. */
export class ShapeError extends HeedError {
  override name = 'ShapeError';
}
/** A dtype an operation cannot take. */
export class DTypeError extends HeedError {
  override name = 'DTypeError';
}
/** A model or option value that is missing, of the wrong kind or out of range. */
export class ConfigError extends HeedError {
  override name = 'ConfigError';
}
/** A checkpoint whose tensors do not match the model. */
export class CheckpointError extends HeedError {
  override name = 'CheckpointError';
}
/** A file whose bytes do not follow its format. */
export class FormatError extends HeedError {
  override name = 'FormatError';
}
/** A tokenizer file or a text that a tokenizer cannot take. */
export class TokenizerError extends HeedError {
  override name = 'TokenizerError';
}
/** Something that heed knows about but does not do. */
export class UnsupportedError extends HeedError {
  override name = 'UnsupportedError';
}
/** A failure of the machine below: out of memory, a dead worker, a closed backend. */
export class BackendError extends HeedError {
  override name = 'BackendError';
}
/** A training run that cannot go on: its loss is no number. */
export class TrainingError extends HeedError {
  override name = 'TrainingError';
}
