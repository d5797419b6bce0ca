/** Where the bench runs: machine, engine, load, and the feature levels that the kernels are compared at. */
import { cpus, loadavg, totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';

/** `--revec` compiles every module of this run with V8's revectoriser; it must be set before the first one. */
export const revec = process.argv.includes('--revec');
if (revec) setFlagsFromString('--experimental-wasm-revectorize');

/** (module (func (param v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0)))) */
const MADD = [
  [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  [1, 6, 1, 0x60, 1, 0x7b, 1, 0x7b],
  [3, 2, 1, 0],
  [10, 13, 1, 11, 0, 0x20, 0, 0x20, 0, 0x20, 0, 0xfd, 0x85, 0x02, 0x0b],
].flat();
export const relaxedSimd = WebAssembly.validate(new Uint8Array(MADD));

/** One line for the head of a report. */
export function machine(): string {
  const { model, speed } = cpus()[0] ?? { model: 'unknown processor', speed: 0 };
  const engine = `Node ${process.versions.node} (V8 ${process.versions.v8})`;
  const level = `${relaxedSimd ? 'relaxed' : 'plain'} SIMD${revec ? ', revectorised' : ''}`;
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  return `${engine}, ${level} on ${cpus().length} x ${model.trim()} ${speed ? `${speed} MHz, ` : ''}${memory}`;
}

/** Load averages of 1, 5 and 15 minutes. Other work on the machine makes every number here worse. */
export const load = (): string =>
  loadavg()
    .map(x => x.toFixed(1))
    .join(' ');
