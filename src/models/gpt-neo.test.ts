import { describe, expect, it } from 'vitest';
import { ConfigReader } from './config-reader.ts';
import { gptNeo } from './gpt-neo.ts';

function layersOf(json: Record<string, unknown>) {
  const reader = new ConfigReader(json, 'config.json');
  const { attention_layers } = gptNeo.config(reader);
  reader.finish();
  return attention_layers.map(kind => kind[0]).join('');
}

describe('the kinds of the layers', () => {
  it('are global and local by default', () => expect(layersOf({})).toBe('gl'.repeat(12)));
  it.each([
    ['gglggl', { attention_types: [[['global', 'global', 'local'], 2]] }],
    [
      'lggggg',
      {
        attention_types: [
          [['local'], 1],
          [['global'], 5],
        ],
      },
    ],
    ['gglggl', { attention_layers: ['global', 'global', 'local', 'global', 'global', 'local'] }],
  ])('are %s for %o', (kinds, fields) => expect(layersOf({ num_layers: 6, ...fields })).toBe(kinds));
  it.each([
    [[[['global', 'local'], 4]], 'do not name the kinds of 6 layers'],
    [[[['global'], 2 ** 52]], 'do not name the kinds of 6 layers'],
    [[[[], 2 ** 52]], 'not a list of pairs'],
    [[[['global', 'sparse'], 3]], 'not a list of pairs'],
    ['global', 'not a list of pairs'],
    [[['global', 6]], 'not a list of pairs'],
  ])('refuses %j', (attention_types, problem) => {
    expect(() => layersOf({ num_layers: 6, attention_types })).toThrow(problem);
  });
});
