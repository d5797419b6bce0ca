/** Damaged PyTorch files: whatever is done to the bytes, the answer is the tensors or an error that says what is wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { HeedError } from '../../src/errors.ts';
import { bytesSource, openTorch, type TorchCheckpoint } from '../../src/formats/index.ts';
import { openZip, type ZipMember } from '../../src/formats/zip.ts';
import { createRng, type Rng } from '../../src/util/rng.ts';
import { joined, zipBytes } from './torch-builder.ts';

const folder = fileURLToPath(new URL('data/pickle/', import.meta.url));
const files = readdirSync(folder).filter(name => name.endsWith('.bin'));
const bytesOf = (name: string) => new Uint8Array(readFileSync(folder + name));

const ROUNDS = 120;
/** A tensor that repeats itself may be long; its ends say enough. */
const READ_BYTES = 1 << 14;

const MUTATIONS: Readonly<Record<string, (bytes: Uint8Array, rng: Rng) => Uint8Array>> = {
  flip(bytes, rng) {
    const out = bytes.slice();
    for (let i = rng.below(4); i >= 0; i--) out[rng.below(out.length)]! ^= 1 << rng.below(8);
    return out;
  },
  cut: (bytes, rng) => bytes.slice(0, rng.below(bytes.length)),
  remove(bytes, rng) {
    const at = rng.below(bytes.length);
    return joined([bytes.slice(0, at), bytes.slice(at + 1 + rng.below(8))]);
  },
  insert(bytes, rng) {
    const at = rng.below(bytes.length);
    const more = Uint8Array.from({ length: 1 + rng.below(6) }, () => OPCODES[rng.below(OPCODES.length)]!);
    return joined([bytes.slice(0, at), more, bytes.slice(at)]);
  },
  repeat(bytes, rng) {
    const [from, at] = [rng.below(bytes.length), rng.below(bytes.length)];
    return joined([bytes.slice(0, at), bytes.slice(from, from + 1 + rng.below(64)), bytes.slice(at)]);
  },
  extreme(bytes, rng) {
    const out = bytes.slice();
    const at = rng.below(out.length);
    out.fill([0, 0x7f, 0x80, 0xff][rng.below(4)]!, at, at + 1 + rng.below(8));
    return out;
  },
};
/** Those that build, call and jump, the disallowed among them, and the ends of numbers. */
const OPCODES = [...'.(0N}]t)lduseabcRQhjqrXUTBCGJKMioFISV2']
  .map(c => c.charCodeAt(0))
  .concat([
    0x80, 0x81, 0x82, 0x85, 0x86, 0x87, 0x88, 0x8a, 0x8b, 0x8c, 0x8d, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0, 1, 255,
  ]);

interface Outcome {
  readonly opened: number;
  readonly refused: number;
}

/** Names, dtypes, shapes and (the ends of) the bytes of all tensors. No read may ask for more than there is. */
async function contents(bytes: Uint8Array): Promise<unknown[]> {
  const source = bytesSource(bytes, 'mutated.bin');
  const checkpoint: TorchCheckpoint = await openTorch(source);
  const found: unknown[] = [];
  for (const entry of checkpoint.tensors.values()) {
    const { name, byteLength } = entry;
    const length = Math.min(byteLength, READ_BYTES);
    const parts = [await checkpoint.read(name, 0, length), await checkpoint.read(name, byteLength - length, length)];
    expect(parts.map(part => part.length)).toEqual([length, length]);
    found.push({ ...entry, parts });
  }
  return found;
}

/** Runs all mutations of some bytes; `wrap` makes a file of the mutated bytes. */
async function fuzz(bytes: Uint8Array, seed: number, wrap: (mutated: Uint8Array) => Uint8Array): Promise<Outcome> {
  const outcome = { opened: 0, refused: 0 };
  for (const [kind, [label, mutate]] of Object.entries(MUTATIONS).entries()) {
    for (let round = 0; round < ROUNDS / 6; round++) {
      const mutated = wrap(mutate(bytes, createRng(seed, kind, round)));
      try {
        await contents(mutated);
        outcome.opened++;
      } catch (error) {
        if (!(error instanceof HeedError)) throw new Error(`${label}, round ${round}: ${error}`, { cause: error });
        outcome.refused++;
      }
    }
  }
  return outcome;
}

async function membersOf(bytes: Uint8Array): Promise<(ZipMember & { readonly data: Uint8Array })[]> {
  const zip = await openZip(bytesSource(bytes));
  return Promise.all([...zip.members.values()].map(async m => ({ ...m, data: await zip.readWhole(m, bytes.length) })));
}

describe('mutated files', () => {
  it.each(files.map((name, seed) => [name, seed] as const))('%s, as a whole', async (name, seed) => {
    const { opened, refused } = await fuzz(bytesOf(name), seed, mutated => mutated);
    expect(opened + refused).toBe(ROUNDS);
    expect(refused).toBeGreaterThan(0);
  });

  const zips = files.filter(name => name.includes('.zip') && !name.startsWith('deflated'));

  // Checksums would hide the pickle from most mutations, so they are made right again.
  it.each(zips.map((name, seed) => [name, seed] as const))('the pickle of %s', async (name, seed) => {
    const members = await membersOf(bytesOf(name));
    const pickle = members.find(member => member.name.endsWith('data.pkl'))!;
    const { refused } = await fuzz(pickle.data, 1000 + seed, mutated =>
      zipBytes(members.map(({ name, data }) => ({ name, data: name === pickle.name ? mutated : data }))),
    );
    expect(refused).toBeGreaterThan(0);
  });

  // Outside the tensors' bytes, which nothing guards, a changed bit either matters and is seen, or does not matter.
  it.each(zips.map((name, seed) => [name, seed] as const))('one bit of the archive of %s', async (name, seed) => {
    const bytes = bytesOf(name);
    const original = await contents(bytes);
    const storages = (await membersOf(bytes)).filter(member => member.name.includes('/data/'));
    const rng = createRng(2000 + seed);
    let same = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const at = rng.below(bytes.length);
      if (storages.some(({ headerOffset, limit }) => at >= headerOffset && at < limit)) continue;
      const mutated = bytes.slice();
      mutated[at]! ^= 1 << rng.below(8);
      const found = await contents(mutated).catch((error: unknown) => {
        if (error instanceof HeedError) return undefined;
        throw error;
      });
      if (!found) continue;
      same++;
      expect(found, `byte ${at}`).toEqual(original);
    }
    expect(same).toBeGreaterThan(0);
  });
});
