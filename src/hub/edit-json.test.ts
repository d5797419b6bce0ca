import { describe, expect, it } from 'vitest';
import { editJson } from './edit-json.ts';

const TEXT = '{"a": 0.0, "list": [1, {"b": 2.50}], "s": "x, \\"}", "n": 1e-05,\n "gone": {"a": null}}';

describe('editing the text of a JSON object', () => {
  it('leaves what is not edited as it is written', () => {
    expect(editJson(TEXT, { gone: undefined, s: ['y'] })).toBe(
      '{\n  "a": 0.0,\n  "list": [1, {"b": 2.50}],\n  "s": [\n    "y"\n  ],\n  "n": 1e-05\n}\n',
    );
  });
  it('adds fields, also to nothing', () => {
    expect(JSON.parse(editJson(TEXT, { more: 1 }))).toEqual({ ...JSON.parse(TEXT), more: 1 });
    expect(JSON.parse(editJson(' { } ', { more: { x: [] } }))).toEqual({ more: { x: [] } });
    expect(JSON.parse(editJson('{"a": 1}', { a: undefined }))).toEqual({});
  });
  it('takes keys for what they say', () => {
    expect(JSON.parse(editJson('{"\\u0061": 1, "b": {"a": 2}}', { a: 3 }))).toEqual({ a: 3, b: { a: 2 } });
  });
});
