/**
 * Calls of tools in what a model writes. Two forms are known: `<tool_call>{"name", "arguments"}</tool_call>` anywhere in a text (the
 * Hermes models, Qwen) and an answer that is nothing but JSON: one call `{"name", "parameters"}` (Llama 3), or a list of them
 * (Mistral).
 */
import type { Tool } from './specification.ts';

export const CALL_BEGIN = '<tool_call>';
export const CALL_END = '</tool_call>';

/** A piece of what was written. */
export type Written =
  | { readonly type: 'text'; readonly text: string }
  /** `input`: the arguments as JSON. */
  | { readonly type: 'call'; readonly name: string; readonly input: string };

/** A call as text, as it is read. */
export const callText = (name: string, input: unknown): string =>
  `${CALL_BEGIN}\n${JSON.stringify({ name, arguments: input })}\n${CALL_END}`;

/** Takes a growing text apart. Text that may be the beginning of a call is held back until that is plain. */
export class ToolCallReader {
  readonly #names: ReadonlySet<string>;
  /** What was written and not yet given out. */
  #held = '';
  /** `begin`: nothing but blanks so far, or since the last call. */
  #state: 'begin' | 'text' | 'json' | 'call' = 'begin';
  #calls = 0;

  constructor(tools: readonly Tool[]) {
    this.#names = new Set(tools.map(({ name }) => name));
  }

  /** What the next text makes certain. */
  push(text: string): Written[] {
    this.#held += text;
    const pieces: Written[] = [];
    while (this.#advance(pieces)) {}
    return pieces;
  }

  /** What is left when nothing more comes. */
  end(): Written[] {
    const text = this.#held;
    this.#held = '';
    const isJson = this.#state === 'json';
    const calls = isJson
      ? this.#callsIn(text)
      : this.#state === 'call'
        ? this.#callsIn(text.slice(CALL_BEGIN.length))
        : [];
    if (calls.length > 0) return calls;
    return text === '' || (this.#calls > 0 && text.trim() === '') ? [] : [{ type: 'text', text }];
  }

  /** Whether there is more to do with what is held. */
  #advance(pieces: Written[]): boolean {
    const held = this.#held;
    if (this.#state === 'json' || held === '') return false;
    if (this.#state === 'begin') {
      const [opening] = /^\s*\[?\s*/.exec(held)!;
      if (opening === held) return false;
      this.#state = this.#calls === 0 && held[opening.length] === '{' ? 'json' : 'text';
      return true;
    }
    if (this.#state === 'call') {
      const end = held.indexOf(CALL_END);
      if (end < 0) return false;
      const whole = held.slice(0, end + CALL_END.length);
      const calls = this.#callsIn(held.slice(CALL_BEGIN.length, end));
      this.#calls += calls.length;
      pieces.push(...(calls.length > 0 ? calls : [{ type: 'text', text: whole } as const]));
      this.#held = held.slice(whole.length);
      this.#state = calls.length > 0 ? 'begin' : 'text';
      return true;
    }
    const at = held.indexOf(CALL_BEGIN);
    const certain = at < 0 ? held.length - openEnd(held) : at;
    // Blanks before a call are not said to anyone.
    const text = at < 0 ? held.slice(0, certain) : held.slice(0, certain).trimEnd();
    if (text !== '') pieces.push({ type: 'text', text });
    this.#held = held.slice(certain);
    if (at < 0) return false;
    this.#state = 'call';
    return true;
  }

  /** The calls that a JSON text consists of; none when it is something else. */
  #callsIn(text: string): Written[] {
    const value = parsed(text);
    const calls = (Array.isArray(value) ? value : [value]).map(entry => this.#callOf(entry));
    return calls.every(call => call !== undefined) ? calls : [];
  }

  #callOf(value: unknown): Written | undefined {
    const { name, arguments: given, parameters } = (value ?? {}) as Record<string, unknown>;
    if (typeof name !== 'string' || !this.#names.has(name)) return undefined;
    const input = given ?? parameters ?? {};
    return { type: 'call', name, input: typeof input === 'string' ? input : JSON.stringify(input) };
  }
}

/** How many characters at the end of a text may be the beginning of a call, with the blanks before it. */
function openEnd(text: string): number {
  let most = Math.min(text.length, CALL_BEGIN.length - 1);
  while (most > 0 && !CALL_BEGIN.startsWith(text.slice(text.length - most))) most--;
  const before = text.slice(0, text.length - most);
  return most + before.length - before.trimEnd().length;
}

/** Undefined for a text that is no JSON, as what a model writes may be. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The schema of a call of one of the tools. */
export const callSchema = ({ name, inputSchema = {} }: Tool, where: string) => ({
  type: 'object',
  properties: { name: { const: name }, arguments: moved(inputSchema, `${where}/properties/arguments`) },
  required: ['name', 'arguments'],
  additionalProperties: false,
});

/** A schema that stands within another one: what it says of its own places is true at the new one. */
export function moved(schema: unknown, where: string): unknown {
  if (Array.isArray(schema)) return schema.map(part => moved(part, where));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === '$ref' && typeof value === 'string' && value.startsWith('#')
        ? where + value.slice(1)
        : moved(value, where),
    ]),
  );
}
