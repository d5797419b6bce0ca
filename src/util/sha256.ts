/** SHA-256 of bytes that come in parts, for pages: Web Crypto takes only the whole at once. Source: FIPS 180-4. */

const PRIMES = firstPrimes(64);
/** The first 32 bits of the fractional parts of cube roots and of square roots of primes. */
const K = Int32Array.from(PRIMES, p => fraction(Math.cbrt(p), n => n ** 3n <= BigInt(p) << 96n));
const START = Int32Array.from(PRIMES.slice(0, 8), p => fraction(Math.sqrt(p), n => n ** 2n <= BigInt(p) << 64n));
const BLOCK = 64;

export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** In hex. Nothing can be added afterwards. */
  digest(): string;
}

export function createSha256(): Sha256 {
  const state = START.slice();
  const schedule = new Int32Array(64);
  const rest = new Uint8Array(2 * BLOCK);
  let filled = 0;
  let length = 0;
  return {
    update(bytes) {
      length += bytes.length;
      let at = 0;
      if (filled > 0) {
        at = Math.min(bytes.length, BLOCK - filled);
        rest.set(bytes.subarray(0, at), filled);
        filled += at;
        if (filled < BLOCK) return;
        compress(state, schedule, rest, 0);
        filled = 0;
      }
      for (; at + BLOCK <= bytes.length; at += BLOCK) compress(state, schedule, bytes, at);
      rest.set(bytes.subarray(at));
      filled = bytes.length - at;
    },
    digest() {
      rest.fill(0, filled);
      rest[filled] = 0x80;
      const end = filled + 9 > BLOCK ? 2 * BLOCK : BLOCK;
      new DataView(rest.buffer).setBigUint64(end - 8, 8n * BigInt(length));
      for (let at = 0; at < end; at += BLOCK) compress(state, schedule, rest, at);
      return Array.from(state, word => (word >>> 0).toString(16).padStart(8, '0')).join('');
    },
  };
}

const rotate = (x: number, n: number) => (x >>> n) | (x << (32 - n));

/** Takes one block of 64 bytes into the state. */
function compress(state: Int32Array, w: Int32Array, bytes: Uint8Array, at: number): void {
  for (let t = 0; t < 16; t++, at += 4)
    w[t] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!;
    const y = w[t - 2]!;
    const small0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const small1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w[t] = (small1 + w[t - 7]! + small0 + w[t - 16]!) | 0;
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let f = state[5]!;
  let g = state[6]!;
  let h = state[7]!;
  for (let t = 0; t < 64; t++) {
    const large1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const first = (h + large1 + ((e & f) ^ (~e & g)) + K[t]! + w[t]!) | 0;
    const large0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const second = (large0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
  state[5]! += f;
  state[6]! += g;
  state[7]! += h;
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every(p => n % p !== 0)) primes.push(n);
  return primes;
}

/** The first 32 bits of a root's fraction, from its estimate and an exact test of whether a number of 2⁻³² is not above it. */
function fraction(estimate: number, notAbove: (scaled: bigint) => boolean): number {
  let scaled = BigInt(Math.floor(estimate * 2 ** 32));
  while (!notAbove(scaled)) scaled--;
  while (notAbove(scaled + 1n)) scaled++;
  return Number(scaled & 0xffffffffn) | 0;
}
