/** Results of comparisons with expected values, by folder, format and kind. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The outcome of one kind of check on one format of one folder. */
export interface CheckResult {
  readonly folder: string;
  readonly format: string;
  readonly kind: string;
  passed: number;
  failed: number;
  /** Why nothing was checked. */
  readonly skipped?: string;
  /** The first few differences. */
  readonly differences: string[];
}

const SHOWN_DIFFERENCES = 3;

/** Collects results of one folder and format by kind, in order of first use. */
export class Report {
  readonly results: CheckResult[] = [];
  readonly #folder: string;
  readonly #format: string;

  constructor(folder: string, format: string) {
    this.#folder = folder;
    this.#format = format;
  }

  #result(kind: string): CheckResult {
    let result = this.results.find(known => known.kind === kind);
    if (!result)
      this.results.push(
        (result = { folder: this.#folder, format: this.#format, kind, passed: 0, failed: 0, differences: [] }),
      );
    return result;
  }

  skip(reason: string): void {
    this.results.push({
      folder: this.#folder,
      format: this.#format,
      kind: 'all',
      passed: 0,
      failed: 0,
      skipped: reason,
      differences: [],
    });
  }

  /** Compares by value; `seen` may throw. */
  same(kind: string, name: string, seen: () => unknown, expected: unknown): void {
    const result = this.#result(kind);
    let value: unknown;
    try {
      value = seen();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      value = `${error.name}: ${error.message}`;
    }
    const [left, right] = [JSON.stringify(value), JSON.stringify(expected)];
    if (left === right) {
      result.passed++;
      return;
    }
    result.failed++;
    if (result.differences.length < SHOWN_DIFFERENCES) {
      let at = 0;
      while (left?.[at] === right?.[at]) at++;
      const from = Math.max(0, at - 40);
      result.differences.push(
        `${name}: seen ...${left?.slice(from, at + 80)} expected ...${right?.slice(from, at + 80)}`,
      );
    }
  }
}

/** A JSON file of a folder, or undefined if it is not there. */
export function readJson<T>(folder: string, file: string): T | undefined {
  const path = join(folder, file);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
}
