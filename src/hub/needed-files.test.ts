import { describe, expect, it } from 'vitest';
import { neededFiles } from './needed-files.ts';

const OTHERS = [
  '.gitattributes',
  'README.md',
  'tf_model.h5',
  'onnx/model.onnx',
  'onnx/config.json',
  'training_args.bin',
];
const SETTINGS = ['config.json', 'tokenizer.json', 'tokenizer.model', 'merges.txt', 'chat_template.jinja'];
const needed = (...names: string[]) => neededFiles([...OTHERS, ...SETTINGS, ...names], 'org/name@main');

describe('neededFiles', () => {
  it.each([
    [['model.safetensors'], ['pytorch_model.bin', 'model.safetensors.index.json']],
    [
      ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json'],
      ['pytorch_model.bin', 'pytorch_model.bin.index.json', 'consolidated.safetensors'],
    ],
    [['pytorch_model.bin'], ['model.gguf', 'optimizer.bin']],
    [['adapter_model.safetensors'], ['adapter_model.bin']],
    [['pytorch_model-00001-of-00001.bin', 'pytorch_model.bin.index.json'], []],
    [['x-q4-00001-of-00002.gguf', 'x-q4-00002-of-00002.gguf'], []],
  ])('takes %j of the weights', (weights, others) => {
    expect(needed(...others, ...weights).sort()).toEqual([...SETTINGS, ...weights].sort());
  });

  it('takes the modules of a sentence encoder', () => {
    const modules = ['modules.json', '1_Pooling/config.json', '2_Dense/config.json', '2_Dense/model.safetensors'];
    const all = needed('model.safetensors', ...modules, '2_Dense/pytorch_model.bin', '2_Dense/deep/config.json');
    expect(all.sort()).toEqual([...SETTINGS, 'model.safetensors', ...modules].sort());
  });

  it('takes the weights that were chosen, with their parts', () => {
    const paths = ['a.gguf', 'b-00001-of-00002.gguf', 'b-00002-of-00002.gguf', 'model.safetensors', 'config.json'];
    expect(neededFiles(paths, 'm', 'a.gguf')).toEqual(['a.gguf', 'config.json']);
    expect(neededFiles(paths, 'm', 'b-00001-of-00002.gguf')).toEqual([
      'b-00001-of-00002.gguf',
      'b-00002-of-00002.gguf',
      'config.json',
    ]);
  });

  it('says when there are none, or several', () => {
    expect(() => needed()).toThrow(/no weights that heed reads; seen: .*"README.md".*expected: model\.safetensors/);
    expect(() => neededFiles([], 'm')).toThrow(/no weights that heed reads; seen: no files/);
    expect(() => needed('b-q8.gguf', 'a-q4.gguf')).toThrow(
      /several weights.*"b-q8.gguf", "a-q4.gguf".*name one: org\/name\/b-q8.gguf/,
    );
  });
});
