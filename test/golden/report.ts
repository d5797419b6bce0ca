/** The results as lines of text. */
import type { FolderResult } from './check-folder.ts';
import { type Check, passes } from './compare.ts';

const number = (x: number) => (x === 0 ? '0' : Number.isInteger(x) && x < 1e4 ? `${x}` : x.toExponential(1));

/** How far a check went towards its bound; failed ones come last. */
const share = (c: Check) => (passes(c) ? (c.bound === 0 ? 0 : c.error / c.bound) : Number.POSITIVE_INFINITY);

/** A folder's lines: one per kind of check with its worst part, all parts with `verbose`, every failure in any case. */
export function folderLines({ folder, checks, skipped, errors }: FolderResult, verbose: boolean): string[] {
  if (skipped) return [`${folder}  skipped: ${skipped}`];
  const lines = [folder];
  for (const name of new Set(checks.map(c => c.name))) {
    const parts = checks.filter(c => c.name === name);
    const shown = verbose ? parts : [...parts.filter(c => !passes(c)), ...worstPassed(parts)];
    for (const check of shown)
      lines.push(checkLine(name, check, verbose || !passes(check) ? 1 : parts.filter(passes).length));
  }
  if (verbose)
    for (const error of errors) lines.push(error instanceof Error ? (error.stack ?? `${error}`) : `${error}`);
  return lines;
}
function worstPassed(parts: readonly Check[]): Check[] {
  const passed = parts.filter(passes);
  return passed.length ? [passed.reduce((worst, c) => (share(c) > share(worst) ? c : worst))] : [];
}
function checkLine(name: string, check: Check, count: number): string {
  const many = count > 1 ? ` (worst of ${count})` : '';
  const what = `${name}${check.part ? ` ${check.part}` : ''}${many}`;
  const line = `  ${passes(check) ? 'ok  ' : 'FAIL'} ${what.padEnd(64)} ${number(check.error).padStart(8)}  of ${number(check.bound)}`;
  return check.note ? `${line}  ${check.note}` : line;
}

/** `N passed, N failed, N skipped`: checks, checks, folders. */
export function summary(results: readonly FolderResult[]): { line: string; failed: number } {
  const checks = results.flatMap(r => r.checks);
  const failed = checks.filter(c => !passes(c)).length;
  const skipped = results.filter(r => r.skipped !== undefined).length;
  return { line: `${checks.length - failed} passed, ${failed} failed, ${skipped} skipped`, failed };
}
