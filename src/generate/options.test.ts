import { describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.ts';
import { optionsFromConfig } from './config-options.ts';
import { type GenerateOptions, mergeOptions, resolveOptions } from './options.ts';
import { buildProcessors } from './processors.ts';

describe('resolveOptions', () => {
  it('turns nothing on by itself', () => {
    expect(buildProcessors(resolveOptions({}))).toEqual([]);
    expect(buildProcessors(resolveOptions({ doSample: true }))).toEqual([]);
    expect(resolveOptions({})).toMatchObject({ doSample: false, numBeams: 1, topK: 0, overflow: 'error', endIds: [] });
  });

  it('samples when something of sampling is named, not at temperature 0', () => {
    const samples = (options: GenerateOptions) => resolveOptions(options).doSample;
    expect(samples({ temperature: 0.8 })).toBe(true);
    expect(samples({ topK: 40 })).toBe(true);
    expect(samples({ temperature: 0 })).toBe(false);
    expect(samples({ temperature: 0, doSample: true })).toBe(false);
    expect(samples({ temperature: 0, topK: 40 })).toBe(false);
    expect(samples({ topP: 0.9, doSample: false })).toBe(false);
    expect(samples({ seed: 3 })).toBe(false);
  });

  it('collects end ids once each', () => {
    expect(resolveOptions({ eosTokenId: [2, 3], stopIds: [3, 7] }).endIds).toEqual([2, 3, 7]);
    expect(resolveOptions({ eosTokenId: 2 }).endIds).toEqual([2]);
  });

  it('takes undefined for not given', () => {
    expect(resolveOptions({ topK: undefined, temperature: undefined })).toMatchObject({ topK: 0, temperature: 1 });
  });

  it.each<[unknown, string]>([
    [{ maxTokens: 5 }, 'maxTokens is no generation option'],
    [{ maxNewTokens: 0 }, 'maxNewTokens = 0 is not an integer of at least 1, or Infinity'],
    [{ maxNewTokens: 1.5 }, 'maxNewTokens = 1.5'],
    [{ temperature: -1 }, 'temperature = -1 is not a finite number of at least 0'],
    [{ temperature: Number.NaN }, 'temperature = NaN'],
    [{ temperature: '0.5' }, 'temperature = "0.5"'],
    [{ topP: 1.1 }, 'topP = 1.1 is not a number from 0 to 1'],
    [{ typicalP: 0 }, 'typicalP = 0'],
    [{ repetitionPenalty: 0 }, 'repetitionPenalty = 0 is not a number above 0'],
    [{ badWordsIds: [[]] }, 'badWordsIds = [[]] is not a list of lists of at least one token id'],
    [{ sequenceBias: [{ ids: [1], bias: Infinity }] }, 'sequenceBias'],
    [{ earlyStopping: 'always' }, 'earlyStopping = "always" is not true or false or \'never\''],
    [{ overflow: 'drop' }, "overflow = \"drop\" is not 'error', 'truncate' or 'slide'"],
    [{ eosTokenId: -1 }, 'eosTokenId = -1 is not a token id or a list of token ids'],
    [{ exponentialDecayLengthPenalty: [3] }, 'exponentialDecayLengthPenalty'],
    [{ seed: 0.5 }, 'seed = 0.5'],
    [{ minNewTokens: 5, maxNewTokens: 4 }, 'minNewTokens = 5 is above maxNewTokens = 4'],
    [{ numReturnSequences: 2 }, 'greedy decoding has one result, not 2'],
    [{ numBeams: 2, numReturnSequences: 3 }, 'numReturnSequences = 3 is above numBeams = 2'],
    [{ signal: {} }, 'signal = {} is not an AbortSignal'],
  ])('refuses %j', (options, message) => {
    expect(() => resolveOptions(options as GenerateOptions)).toThrow(ConfigError);
    expect(() => resolveOptions(options as GenerateOptions)).toThrow(message);
  });

  it('names all problems at once', () => {
    expect(() => resolveOptions({ topK: -1, topP: 2, minP: 0.5 })).toThrow(/topK = -1 .*; topP = 2 /);
  });
});

describe('optionsFromConfig', () => {
  it('reads the fields of a real file and passes over what it does not know', () => {
    const config = {
      _from_model_config: true,
      bos_token_id: 128000,
      do_sample: true,
      eos_token_id: [128001, 128009],
      temperature: 0.6,
      top_p: 0.9,
      max_length: 4096,
      pad_token_id: null,
      sequence_bias: [[[4, 5], -1.5]],
      exponential_decay_length_penalty: [3, 1.2],
      no_repeat_ngram_size: 3,
      early_stopping: 'never',
      transformers_version: '4.43.0.dev0',
    };
    expect(optionsFromConfig(config)).toEqual({
      bosTokenId: 128000,
      doSample: true,
      eosTokenId: [128001, 128009],
      temperature: 0.6,
      topP: 0.9,
      maxLength: 4096,
      sequenceBias: [{ ids: [4, 5], bias: -1.5 }],
      exponentialDecayLengthPenalty: [3, 1.2],
      noRepeatNgramSize: 3,
      earlyStopping: 'never',
    });
  });

  it('does not take fields of the prototype or of a call', () => {
    expect(optionsFromConfig({ seed: 3, signal: {}, overflow: 'slide' })).toEqual({});
    expect(optionsFromConfig(JSON.parse('{"__proto__": {"top_k": 5}}'))).toEqual({});
  });

  it('takes token ids below 0 for none', () => {
    const config = { pad_token_id: -1, eos_token_id: [2, -1], suppress_tokens: [-1], top_k: -1 };
    expect(optionsFromConfig(config)).toEqual({ eosTokenId: [2], suppressTokens: [] });
  });

  it('refuses settings that would change the result and are not there', () => {
    expect(optionsFromConfig({ num_beam_groups: 1, diversity_penalty: 0, penalty_alpha: null })).toEqual({});
    expect(() => optionsFromConfig({ num_beams: 4, num_beam_groups: 2, diversity_penalty: 1 })).toThrow(
      '"num_beam_groups": 2 is not supported; "diversity_penalty": 1 is not supported',
    );
  });

  it('refuses values that cannot be', () => {
    expect(() => optionsFromConfig({ top_k: 'many', num_beams: 0 })).toThrow(
      'generation settings: "top_k": "many" is not an integer of at least 0; "num_beams": 0 is not an integer of at least 1',
    );
    expect(() => optionsFromConfig([])).toThrow('must be a JSON object');
    expect(() => optionsFromConfig({ sequence_bias: [null] })).toThrow('sequence_bias');
  });
});

describe('mergeOptions', () => {
  const samples = (defaults: GenerateOptions, options: GenerateOptions) =>
    resolveOptions(mergeOptions(defaults, options)).doSample;

  it('leaves a checkpoint that names a temperature only greedy, as the reference does', () => {
    expect(samples({ temperature: 0.6, topP: 0.9 }, {})).toBe(false);
    expect(samples({ temperature: 0.6, topP: 0.9 }, { seed: 1 })).toBe(false);
    expect(samples({ temperature: 0.6, doSample: true }, {})).toBe(true);
  });

  it('lets the caller decide about sampling', () => {
    expect(samples({ doSample: false }, { temperature: 0.8 })).toBe(true);
    expect(samples({ doSample: true, temperature: 0.6 }, { temperature: 0 })).toBe(false);
    expect(samples({ doSample: true, temperature: 0.6 }, { doSample: false })).toBe(false);
    expect(mergeOptions({ topK: 50, doSample: true }, { topK: undefined })).toMatchObject({ topK: 50, doSample: true });
  });

  it('lets the caller decide about the length', () => {
    expect(mergeOptions({ maxLength: 20 }, { maxNewTokens: 50 })).toMatchObject({
      maxNewTokens: 50,
      maxLength: undefined,
    });
    expect(mergeOptions({ maxNewTokens: 20 }, { maxLength: 50 })).toMatchObject({
      maxNewTokens: undefined,
      maxLength: 50,
    });
    expect(mergeOptions({ maxNewTokens: 20 }, {})).toMatchObject({ maxNewTokens: 20 });
  });
});
