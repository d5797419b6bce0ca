import { describe, expect, it } from 'vitest';
import { callText, moved, ToolCallReader, type Written } from './tool-calls.ts';

const TOOLS = ['weather', 'time'].map(name => ({ type: 'function' as const, name }));
/** The pieces of a text that comes in these parts, neighbouring texts joined. */
function pieces(parts: readonly string[]): Written[] {
  const reader = new ToolCallReader(TOOLS);
  const all = [...parts.flatMap(part => reader.push(part)), ...reader.end()];
  const joined: Written[] = [];
  for (const piece of all) {
    const last = joined.at(-1);
    if (piece.type === 'text' && last?.type === 'text')
      joined[joined.length - 1] = { ...piece, text: last.text + piece.text };
    else joined.push(piece);
  }
  return joined;
}
const call = (name: string, input: object): Written => ({ type: 'call', name, input: JSON.stringify(input) });
const text = (said: string): Written => ({ type: 'text', text: said });

const CASES: readonly (readonly [string, readonly Written[]])[] = [
  ['Hello <b>world</b>.', [text('Hello <b>world</b>.')]],
  ['  \n', [text('  \n')]],
  [callText('weather', { city: 'Rom' }), [call('weather', { city: 'Rom' })]],
  [`Let me see.\n\n${callText('time', {})}\n`, [text('Let me see.'), call('time', {})]],
  [
    `${callText('time', {})}\n${callText('weather', { a: '</b>' })}`,
    [call('time', {}), call('weather', { a: '</b>' })],
  ],
  [`${callText('time', {})}\nDone.`, [call('time', {}), text('\nDone.')]],
  ['<tool_call>{"name": "time", "arguments": {}}', [call('time', {})]],
  ['<tool_call>no JSON</tool_call> x', [text('<tool_call>no JSON</tool_call> x')]],
  ['<tool_call>{"name": "unknown"}</tool_call>', [text('<tool_call>{"name": "unknown"}</tool_call>')]],
  ['a < b <tool', [text('a < b <tool')]],
  ['{"name": "weather", "parameters": {"city": "Rom"}}', [call('weather', { city: 'Rom' })]],
  [' [{"name": "time"}, {"name": "weather", "arguments": {"x": 1}}]', [call('time', {}), call('weather', { x: 1 })]],
  [
    '{"type": "function", "name": "time", "arguments": "{\\"a\\": 1}"}',
    [{ type: 'call', name: 'time', input: '{"a": 1}' }],
  ],
  ['{"name": "nobody"}', [text('{"name": "nobody"}')]],
  ['[Note] Hello', [text('[Note] Hello')]],
  ['[', [text('[')]],
  ['{"name": "time"', [text('{"name": "time"')]],
];

describe('calls in a text', () => {
  it.each(CASES)('%j', (written, expected) => {
    expect(pieces([written])).toEqual(expected);
    expect(pieces([...written])).toEqual(expected);
    expect(pieces([written.slice(0, 7), written.slice(7)])).toEqual(expected);
  });
  it('holds back no more than may be a call', () => {
    const reader = new ToolCallReader(TOOLS);
    expect(reader.push('Hello wor')).toEqual([text('Hello wor')]);
    expect(reader.push('ld <to')).toEqual([text('ld')]);
    expect(reader.push('ast>')).toEqual([text(' <toast>')]);
  });
});

describe('a schema that is moved', () => {
  it('names its own parts at the new place', () => {
    const schema = { $defs: { a: { type: 'string' } }, items: [{ $ref: '#/$defs/a' }, { $ref: '#' }] };
    expect(moved(schema, '#/x')).toEqual({ ...schema, items: [{ $ref: '#/x/$defs/a' }, { $ref: '#/x' }] });
  });
});
