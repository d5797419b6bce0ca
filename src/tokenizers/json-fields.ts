/** Typed reading of parsed JSON from files that may hold anything: every mismatch is a TokenizerError that names the field. */
import { TokenizerError } from '../errors.ts';

/** A JSON object whose fields are not known to be of any type yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A short form of any JSON value for a message. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

const mismatch = (value: unknown, expected: string, where: string) =>
  new TokenizerError('a field of the tokenizer file has the wrong type', { seen: shown(value), expected, where });

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `value` as an object. Throws TokenizerError. */
export function asObject(value: unknown, where: string): JsonObject {
  if (!isObject(value)) throw mismatch(value, 'an object', where);
  return value;
}

/** `value` as a list. Throws TokenizerError. */
export function asList(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw mismatch(value, 'a list', where);
  return value;
}

/** `value` as a string. Throws TokenizerError. */
export function asString(value: unknown, where: string): string {
  if (typeof value !== 'string') throw mismatch(value, 'a string', where);
  return value;
}

/** Whether `value` is a whole number from 0 to 2^31 - 1. */
export const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0x7fffffff;

/** `value` as a whole number from 0 to 2^31 - 1. Throws TokenizerError. */
export function asCount(value: unknown, where: string): number {
  if (isCount(value)) return value;
  throw mismatch(value, 'a whole number from 0 to 2147483647', where);
}

/** A field that is true or false, or `fallback` where it is missing or null. Throws TokenizerError. */
export function flag(object: JsonObject, key: string, fallback: boolean, where: string): boolean {
  const value = object[key];
  if (value === undefined || value === null) return fallback;
  if (typeof value !== 'boolean') throw mismatch(value, 'true or false', `${where}.${key}`);
  return value;
}

/** A string field, or undefined where it is missing or null. Throws TokenizerError. */
export function optionalString(object: JsonObject, key: string, where: string): string | undefined {
  const value = object[key];
  return value === undefined || value === null ? undefined : asString(value, `${where}.${key}`);
}

/** The `type` tag of a component. Throws TokenizerError. */
export function typeOf(object: JsonObject, where: string): string {
  return asString(object.type, `${where}.type`);
}
