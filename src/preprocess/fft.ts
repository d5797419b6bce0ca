/** Fast Fourier transform of any length, quick where the length is a product of small factors. Stockham's form. */

/** Transforms in place: X[k] = sum over n of x[n] e^(-2 pi i k n / N), real and imaginary parts apart. */
export type Fft = (re: Float64Array, im: Float64Array) => void;

/**
 * A transform of `size` points. Cost of a call: size * (sum of the factors of size), so O(size log size) for 400 = 4 * 4 *
 * 5 * 5. It keeps scratch memory of `size` complex numbers, so one at a time.
 */
export function createFft(size: number): Fft {
  const cos = Float64Array.from({ length: size }, (_, i) => Math.cos((2 * Math.PI * i) / size));
  const sin = Float64Array.from({ length: size }, (_, i) => -Math.sin((2 * Math.PI * i) / size));
  const factors = factorsOf(size);
  const scratch = { re: new Float64Array(size), im: new Float64Array(size) };
  return (re, im) => {
    let from: Complex = { re, im };
    let to: Complex = scratch;
    let length = size;
    for (const radix of factors) {
      stage(from, to, radix, length, cos, sin);
      [from, to] = [to, from];
      length /= radix;
    }
    if (from.re !== re) {
      re.set(from.re);
      im.set(from.im);
    }
  };
}

interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/**
 * Interleaved sequences of `length` points each become `radix` times as many sequences of length / radix points: the
 * butterfly and the twiddle factor of output k and input p + m j are one root of unity, e^(-2 pi i k (p + m j) / length).
 */
function stage(from: Complex, to: Complex, radix: number, length: number, cos: Float64Array, sin: Float64Array): void {
  const { re: fromRe, im: fromIm } = from;
  const { re: toRe, im: toIm } = to;
  const stride = cos.length / length;
  const m = length / radix;
  toRe.fill(0);
  toIm.fill(0);
  for (let p = 0; p < m; p++)
    for (let k = 0; k < radix; k++)
      for (let j = 0; j < radix; j++) {
        const root = ((k * (p + m * j)) % length) * stride;
        const c = cos[root]!;
        const s = sin[root]!;
        let at = stride * (p + m * j);
        const end = stride * (radix * p + k + 1);
        for (let out = end - stride; out < end; out++, at++) {
          const a = fromRe[at]!;
          const b = fromIm[at]!;
          toRe[out]! += a * c - b * s;
          toIm[out]! += a * s + b * c;
        }
      }
}

/** Fours first, then primes: a four costs no more than two twos and saves a pass. */
function factorsOf(size: number): number[] {
  const factors: number[] = [];
  let rest = size;
  const take = (factor: number) => {
    for (; rest % factor === 0; rest /= factor) factors.push(factor);
  };
  take(4);
  for (let factor = 2; rest > 1; factor++) take(factor);
  return factors;
}
