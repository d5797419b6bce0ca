/**
 * Compares tokenizers with expected outputs: `npm run tokenizers -- ROOT [--only NAME,NAME]`. Walks over all folders below
 * ROOT that have an expected.json, and trains what the folders named `trainers` ask for. Exit code 1 if anything differs,
 * 2 if called wrongly.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { checkFolder, foldersBelow } from './check.ts';
import type { CheckResult } from './report.ts';
import { checkTrainers, trainerFoldersBelow } from './trainers.ts';

function lineOf({ folder, format, kind, passed, failed, skipped }: CheckResult): string {
  const outcome = skipped
    ? `skipped: ${skipped}`
    : failed > 0
      ? `${passed} passed, ${failed} FAILED`
      : `${passed} passed`;
  return `${folder}  ${format}  ${kind}: ${outcome}`;
}

async function main(args: readonly string[]): Promise<number> {
  const at = args.indexOf('--only');
  const only = at < 0 ? undefined : args[at + 1]?.split(',');
  const [root] = args.filter((_, i) => at < 0 || (i !== at && i !== at + 1));
  if (root === undefined || !existsSync(root) || (at >= 0 && !only)) {
    console.error('usage: npm run tokenizers -- ROOT [--only NAME,NAME]; ROOT is a folder with tokenizer folders');
    return 2;
  }
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const checks = [
    ...foldersBelow(root).map(folder => [folder, checkFolder] as const),
    ...trainerFoldersBelow(root).map(folder => [folder, checkTrainers] as const),
  ];
  for (const [folder, check] of checks) {
    if (only && !only.includes(basename(folder))) continue;
    for (const result of await check(folder)) {
      console.log(lineOf(result));
      for (const difference of result.differences) console.log(`    ${difference}`);
      totals.passed += result.passed;
      totals.failed += result.failed;
      if (result.skipped) totals.skipped++;
    }
  }
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  return totals.failed > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
