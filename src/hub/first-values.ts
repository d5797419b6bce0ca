/** How large the first values of a model's matrices are. */
import type { Architecture } from '../models/architecture.ts';
import type { ConfigReader } from '../models/config-reader.ts';

/** Of GPT-2 and LLaMA, for a config that says nothing. */
const DEVIATION = 0.02;

/** Standard deviations by name: what the config says, unless the family has rules of its own. Read before `finish`. */
export function deviations(architecture: Architecture, config: unknown, read: ConfigReader): (name: string) => number {
  const range = read.positive('initializer_range', read.positive('init_std', DEVIATION));
  return name => architecture.deviation?.(name, config, range) ?? range;
}
