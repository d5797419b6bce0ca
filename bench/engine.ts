/** Where the bench runs: machine, engine, load. */
import { cpus, loadavg, totalmem } from 'node:os';

/** One line for the head of a report. */
export function machine(): string {
  const { model, speed } = cpus()[0] ?? { model: 'unknown processor', speed: 0 };
  const engine = `Node ${process.versions.node} (V8 ${process.versions.v8})`;
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  return `${engine} on ${cpus().length} x ${model.trim()}, ${speed ? `${speed} MHz, ` : ''}${memory}`;
}

/** Load averages of 1, 5 and 15 minutes. Other work on the machine makes every number here worse. */
export const load = (): string =>
  loadavg()
    .map(x => x.toFixed(1))
    .join(' ');
