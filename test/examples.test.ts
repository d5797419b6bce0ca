/** Every example runs, and says something. They import the built package by its name, as a user does. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BUNDLED } from '../src/hub/bundled.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const built = existsSync(`${ROOT}/dist/index.js`);
const examples = readdirSync(`${ROOT}/examples`).filter(f => f.endsWith('.ts'));

describe.skipIf(!built)('examples (need npm run build)', () => {
  for (const file of examples) {
    const source = readFileSync(`${ROOT}/examples/${file}`, 'utf8');
    const missing = BUNDLED.filter(name => source.includes(`'${name}'`) && !existsSync(`${ROOT}/models/${name}`));
    const why = missing.length ? ` (skipped: ${missing.join(', ')} not trained yet)` : '';
    it.skipIf(missing.length)(file + why, () => {
      expect(source.split('\n').length).toBeLessThanOrEqual(41);
      const text = execFileSync(process.execPath, ['--import', 'tsx', `examples/${file}`], {
        cwd: ROOT,
        encoding: 'utf8',
      });
      expect(text.trim().split('\n').length).toBeGreaterThan(1);
    });
  }
});
