/**
 * Which register tile the matrix products use. A tile of mr rows by nr columns needs mr * nr / 4 accumulators, nr / 4
 * registers for B and one for A; without fused multiply-add one more. V8 gives WebAssembly 15 vector registers on x64.
 * The heights were chosen by `timeTiles` on x64; nr is also the width of the panels that weights are packed in.
 */
import type { Features } from './kernel.ts';
import { microKernel } from './kernels/micro-kernel.ts';
import { buildModule } from './module.ts';

export type Tile = Features['tile'];

/** The tile for a feature level. The revectoriser makes one register out of two, so its tile is twice as wide. */
export function chooseTile({ relaxed, revec }: Pick<Features, 'relaxed' | 'revec'>): Tile {
  if (!relaxed) return { mr: 2, nr: 16 };
  return { mr: 6, nr: revec ? 16 : 8 };
}

/** Length of the products: the operands of every tile stay in the first-level cache. */
const K = 256;
/** Calls per round, and rounds: enough for V8's optimising compiler to finish in the background. */
const CALLS = 64;
const ROUNDS = 60;

export interface TimedTile {
  readonly tile: Tile;
  /** Multiply-adds per second, in 10^9, in the fastest round. */
  readonly speed: number;
  /** The numbers agree with plain arithmetic. */
  readonly right: boolean;
}

/**
 * Runs the micro-kernel of each tile, in turns so that all are disturbed alike, and checks its numbers. Blocks its
 * thread for about 4 ms per tile.
 */
export function timeTiles(tiles: readonly Tile[], level: Pick<Features, 'relaxed' | 'revec'>): TimedTile[] {
  const runs = tiles.map(tile => ({ ...prepare(tile, level), fastest: Number.POSITIVE_INFINITY }));
  for (let round = 0; round < ROUNDS; round++)
    for (const run of runs) {
      const began = performance.now();
      for (let i = 0; i < CALLS; i++) run.once();
      run.fastest = Math.min(run.fastest, performance.now() - began);
    }
  return runs.map(({ fastest, right }, i) => {
    const tile = tiles[i]!;
    return { tile, right: right(), speed: (CALLS * K * tile.mr * tile.nr) / fastest / 1e6 };
  });
}

function prepare(tile: Tile, level: Pick<Features, 'relaxed' | 'revec'>): { once(): void; right(): boolean } {
  const { mr, nr } = tile;
  const [zeros, a, b, c] = [0, 1 << 10, 1 << 14, 3 << 14] as const;
  const { bytes } = buildModule(
    [{ name: 'tile', emit: context => microKernel(context, mr), args() {} }],
    { ...level, dot: 'none', threads: 1, tile },
    { memory: { shared: false, initial: 1, maximum: 1 } },
  );
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const multiply = instance.exports[`tile${mr}`] as (...args: number[]) => void;
  const f32 = new Float32Array(memory.buffer);
  for (let i = 0; i < K * mr; i++) f32[a / 4 + i] = ((i * 7919) % 1000) / 1000 - 0.5;
  for (let i = 0; i < K * nr; i++) f32[b / 4 + i] = ((i * 104729) % 997) / 997 - 0.5;
  return {
    once: () => multiply(a, b, c, 4 * nr, K, zeros, 0),
    right() {
      for (let i = 0; i < mr; i++)
        for (let j = 0; j < nr; j++) {
          let sum = 0;
          for (let k = 0; k < K; k++) sum += f32[a / 4 + k * mr + i]! * f32[b / 4 + k * nr + j]!;
          if (!(Math.abs(sum - f32[c / 4 + i * nr + j]!) < 1e-4)) return false;
        }
      return true;
    },
  };
}
