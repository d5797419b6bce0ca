import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { recipeOf, type TrainOptions, trainSettings } from './options.ts';

const batches = { async *from() {} };
const problems = (options: object) => {
  try {
    trainSettings({ batches, ...options } as TrainOptions);
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
};

describe('training options', () => {
  it('have the defaults of the reference', () => {
    const { optim, learningRate, weightDecay, adamBeta2, lrSchedulerType, numTrainEpochs, maxGradNorm } = trainSettings(
      {
        batches,
        maxSteps: undefined,
      },
    );
    expect({ optim, learningRate, weightDecay, adamBeta2, lrSchedulerType, numTrainEpochs, maxGradNorm }).toEqual({
      optim: 'adamw',
      learningRate: 5e-5,
      weightDecay: 0,
      adamBeta2: 0.999,
      lrSchedulerType: 'linear',
      numTrainEpochs: 3,
      maxGradNorm: 1,
    });
  });
  it('are all told that are wrong, with the name that was meant', () => {
    const text = problems({
      learning_rate: 1,
      lerningRate: 1,
      warmupSteps: -1,
      optim: 'adamx',
      resume: 3,
      batches: [],
    });
    expect(text).toContain('learning_rate is no option of training (is it learningRate?)');
    expect(text).toContain('lerningRate is no option of training (is it learningRate?)');
    expect(text).toContain('warmupSteps = -1 is not a whole number from 0 on');
    expect(text).toContain('optim = "adamx" is not adamw, adam, sgd');
    expect(text).toContain('resume = 3 is not true, false or the path of a checkpoint');
    expect(text).toContain('batches = [] is not batches');
    expect(problems({ learningRate: Number.NaN })).toContain('learningRate = NaN is not a number from 0 on');
    expect(problems({ optim: 'toString' })).toContain('optim');
  });
  it('need what they are about', () => {
    expect(problems({ batches: undefined })).toContain('training needs batches');
    expect(problems({ evalSteps: 10 })).toContain('evalSteps needs validation data');
    expect(problems({ validation: batches })).toContain('validation needs evalSteps');
    expect(problems({ loadBestModelAtEnd: true })).toContain('loadBestModelAtEnd needs outputDir');
    expect(problems({ saveSteps: 5 })).toContain('saveSteps needs outputDir');
    expect(problems({ lrSchedulerType: 'warmup_stable_decay' })).toContain('needs decaySteps');
    expect(problems({ optim: 'sgd', nesterov: true })).toContain('nesterov needs momentum');
    expect(problems({ optim: 'adafactor', warmupInit: true })).toContain('warmupInit needs relativeStep');
    expect(problems({})).toBe('');
  });
  it('are kept with a run as far as they decide its numbers', () => {
    const recipe = recipeOf(trainSettings({ batches, learningRate: 1e-3, outputDir: 'x', saveSteps: 5, maxSteps: 10 }));
    expect(recipe).toMatchObject({ learningRate: 1e-3, maxSteps: 10, evalSteps: null, seed: 42 });
    expect(Object.keys(recipe)).not.toContain('outputDir');
    expect(Object.keys(recipe)).not.toContain('saveSteps');
    expect(JSON.parse(JSON.stringify(recipe))).toEqual(recipe);
  });
});
