/** Options of `heed train` and `heed finetune`. What `train()` takes has the same name here, in kebab-case; a settings file has it in camelCase. */
import { OPTIMIZERS, type OptimizerName } from '../train/optimizers/index.ts';
import { SCHEDULES, type ScheduleName } from '../train/schedules.ts';
import { grouped } from './command.ts';
import { ENGINE_OPTIONS, OUTPUT_OPTIONS } from './options.ts';

const OPTIMIZER_NAMES = Object.keys(OPTIMIZERS) as OptimizerName[];
const SCHEDULE_NAMES = Object.keys(SCHEDULES) as ScheduleName[];

/** Where data comes from and how it is cut. */
export const DATA_OPTIONS = grouped('Data', {
  data: {
    kind: 'list',
    value: 'FILE',
    many: true,
    help: 'training data: .txt, .md, .jsonl, .csv or .tsv; may be larger than memory',
  },
  'eval-data': { kind: 'list', value: 'FILE', many: true, help: 'validation data (default: a part of --data)' },
  'eval-fraction': {
    kind: 'number',
    value: 'P',
    min: 0,
    help: 'part of --data that is kept for validation (default 0.1; 0: no validation)',
  },
  'sample-by': {
    kind: 'text',
    value: 'HOW',
    choices: ['line', 'paragraph', 'document'],
    help: 'what is one text in a .txt file: line, paragraph or document',
  },
  length: {
    kind: 'integer',
    value: 'N',
    min: 2,
    help: "tokens of an example (default: the model's context, at most 512)",
  },
  'batch-size': { kind: 'integer', value: 'N', min: 1, help: 'examples in a batch (default 8)' },
  stride: { kind: 'integer', value: 'N', min: 1, help: 'tokens between the starts of two examples of a long text' },
  'group-by-length': { kind: 'flag', help: 'examples of like lengths together, which saves padding' },
  column: { kind: 'list', value: 'NAME=COLUMN', help: 'what a column is called in the data: text=review' },
});

/** How long and how it learns. */
export const LEARNING_OPTIONS = {
  ...grouped('Run', {
    'max-steps': {
      kind: 'integer',
      sets: 'maxSteps',
      value: 'N',
      min: 1,
      help: 'steps, however many epochs those are',
    },
    'num-train-epochs': {
      kind: 'integer',
      sets: 'numTrainEpochs',
      value: 'N',
      min: 1,
      help: 'how often the data is seen (default 3)',
    },
    'gradient-accumulation-steps': {
      kind: 'integer',
      sets: 'gradientAccumulationSteps',
      value: 'N',
      min: 1,
      help: 'batches that make one step',
    },
    'gradient-checkpointing': {
      kind: 'flag',
      sets: 'gradientCheckpointing',
      help: 'less memory for activations, a third more time',
    },
    seed: { kind: 'integer', sets: 'seed', value: 'N', help: 'of everything random (default 42)' },
  }),
  ...grouped('Learning', {
    'learning-rate': {
      kind: 'number',
      sets: 'learningRate',
      value: 'X',
      min: 0,
      help: 'the highest of the run (train: 0.001; finetune: 2e-5, --lora 2e-4)',
    },
    'lr-scheduler-type': {
      kind: 'text',
      sets: 'lrSchedulerType',
      value: 'NAME',
      choices: SCHEDULE_NAMES,
      help: `${SCHEDULE_NAMES.join(', ')} (train: cosine; finetune: linear)`,
    },
    'warmup-steps': { kind: 'integer', sets: 'warmupSteps', value: 'N', min: 0, help: 'steps in which it rises' },
    'warmup-ratio': {
      kind: 'number',
      sets: 'warmupRatio',
      value: 'P',
      help: 'the same as a share of all steps (train: 0.05; finetune: 0.03)',
    },
    'min-lr-ratio': {
      kind: 'number',
      sets: 'minLrRatio',
      value: 'P',
      help: 'share of it that is left at the end (train: 0.1)',
    },
    'num-cycles': { kind: 'number', sets: 'numCycles', value: 'X', help: 'waves of a cosine' },
    power: { kind: 'number', sets: 'power', value: 'X', help: 'exponent of polynomial' },
    'lr-end-ratio': { kind: 'number', sets: 'lrEndRatio', value: 'P', help: 'what polynomial ends at' },
    'decay-steps': { kind: 'integer', sets: 'decaySteps', value: 'N', help: 'the fall of warmup_stable_decay' },
    optim: {
      kind: 'text',
      sets: 'optim',
      value: 'NAME',
      choices: OPTIMIZER_NAMES,
      help: `${OPTIMIZER_NAMES.join(', ')} (default adamw)`,
    },
    'adam-beta1': { kind: 'number', sets: 'adamBeta1', value: 'P', help: 'share of the mean that stays (default 0.9)' },
    'adam-beta2': {
      kind: 'number',
      sets: 'adamBeta2',
      value: 'P',
      help: 'the same of the squares (train: 0.99; finetune: 0.999)',
    },
    'adam-epsilon': { kind: 'number', sets: 'adamEpsilon', value: 'X', help: 'added to the root (default 1e-8)' },
    amsgrad: { kind: 'flag', sets: 'amsgrad', help: 'divide by the largest squares so far' },
    momentum: { kind: 'number', sets: 'momentum', value: 'P', help: 'sgd: share of the last step that stays' },
    nesterov: { kind: 'flag', sets: 'nesterov', help: 'sgd: look ahead along the momentum' },
    'scale-parameter': { kind: 'flag', sets: 'scaleParameter', help: 'adafactor: steps as large as the parameter' },
    'relative-step': { kind: 'flag', sets: 'relativeStep', help: 'adafactor: a learning rate of its own' },
    'warmup-init': { kind: 'flag', sets: 'warmupInit', help: 'adafactor: which starts small' },
    'max-grad-norm': { kind: 'number', sets: 'maxGradNorm', value: 'X', help: 'longest gradient (default 1; 0: any)' },
  }),
  ...grouped('Regularisation', {
    'weight-decay': {
      kind: 'number',
      sets: 'weightDecay',
      value: 'X',
      help: 'pulls matrices towards zero (train: 0.1; finetune: 0)',
    },
    dropout: { kind: 'number', sets: 'dropout', value: 'P', help: 'share of activations left out at random' },
    'attention-dropout': {
      kind: 'number',
      sets: 'attentionDropout',
      value: 'P',
      help: 'the same of the attention pattern',
    },
    'label-smoothing': {
      kind: 'number',
      sets: 'labelSmoothing',
      value: 'P',
      help: 'share of a target spread over all',
    },
  }),
  ...grouped('Validation and checkpoints', {
    'eval-steps': {
      kind: 'integer',
      sets: 'evalSteps',
      value: 'N',
      min: 1,
      help: 'steps between validations (default: ten validations in a run)',
    },
    'early-stopping-patience': {
      kind: 'integer',
      sets: 'earlyStoppingPatience',
      value: 'N',
      min: 1,
      help: 'end after so many validations without a better one',
    },
    'early-stopping-threshold': {
      kind: 'number',
      sets: 'earlyStoppingThreshold',
      value: 'X',
      help: 'how much better it has to be',
    },
    'load-best-model-at-end': {
      kind: 'flag',
      sets: 'loadBestModelAtEnd',
      help: 'keep the weights of the best validation',
    },
    'save-steps': {
      kind: 'integer',
      sets: 'saveSteps',
      value: 'N',
      min: 1,
      help: 'steps between checkpoints (default: ten checkpoints in a run)',
    },
    'save-total-limit': {
      kind: 'integer',
      sets: 'saveTotalLimit',
      value: 'N',
      min: 1,
      help: 'checkpoints that are kept (default 2)',
    },
  }),
} as const;

/** What a run writes and says. */
export const RUN_OUTPUT_OPTIONS = {
  ...grouped('Energy', {
    region: { kind: 'text', value: 'CODE', help: 'whose electricity it is: DE, FR, ... or grams of CO2 for a kWh' },
    'watts-per-core': { kind: 'number', value: 'W', min: 0, help: 'of a core at work (default 12)' },
    pue: { kind: 'number', value: 'X', min: 1, help: 'what the building needs for each watt (default 1)' },
  }),
  ...ENGINE_OPTIONS,
  ...grouped('Output', {
    tensorboard: { kind: 'flag', help: 'write event files for TensorBoard too' },
    quiet: { kind: 'flag', short: 'q', help: 'say nothing but errors' },
    verbose: { kind: 'flag', help: 'show where an error came from' },
  }),
  ...OUTPUT_OPTIONS,
  ...grouped('Output', { json: { kind: 'flag', help: 'a line of JSON for each event instead of text for people' } }),
} as const;

/** Where a run is, and where its options come from. */
export const FOLDER_OPTIONS = grouped('Run', {
  out: { kind: 'text', sets: 'outputDir', value: 'FOLDER', help: 'where the model and everything about the run goes' },
  force: { kind: 'flag', help: 'begin anew in a folder that holds a run' },
  resume: { kind: 'text', value: 'FOLDER', help: 'go on with the run of this folder, with its options' },
  settings: { kind: 'text', value: 'FILE', help: 'options as JSON in camelCase; those of the command line win' },
});
