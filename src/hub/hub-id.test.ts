import { describe, expect, it } from 'vitest';
import { hubId, parseHubId } from './hub-id.ts';

describe('parseHubId', () => {
  it.each([
    ['org/name', 'org/name', undefined, undefined],
    ['gpt2', 'gpt2', undefined, undefined],
    ['Org-1/Na.me_2', 'Org-1/Na.me_2', undefined, undefined],
    ['org/name@v1.0', 'org/name', 'v1.0', undefined],
    ['org/name@refs/pr/1', 'org/name', 'refs/pr/1', undefined],
    ['org/name/model-q4.gguf', 'org/name', undefined, 'model-q4.gguf'],
    ['org/name@dev/model.safetensors', 'org/name', 'dev', 'model.safetensors'],
  ])('reads %s', (text, repo, revision, weights) => {
    expect(parseHubId(text)).toEqual({ repo, revision, weights });
  });

  it.each([
    ...['', '.', '..', './org/name', '/org/name', '../name', 'org/', '/name', 'a/b/c', 'org/..', 'a..b/c', 'a--b/c'],
    ...['org/name.git', 'C:\\models', 'org\\name', 'org/na me', '~/models', '-x/y', `org/${'x'.repeat(97)}`],
    ...['model.safetensors', 'models/model.gguf', 'a/b/c/model.gguf', 'config.json', 'org/name@', 'org/name@../x'],
    ...['org/name@a//b', 'org/name@a/../../b', 'org/name@\0', `org/name@${'x'.repeat(251)}`],
  ])('takes %j for no name of a model', text => {
    expect(parseHubId(text)).toBeUndefined();
    expect(() => hubId(text)).toThrow(/not the name of a model on a hub; seen: ".*; expected: org\/name/);
  });
});
