import { describe, expect, it } from 'vitest';
import { createFft } from './fft.ts';

describe('createFft', () => {
  it.each([1, 2, 7, 8, 12, 30, 97, 400])('%i points: the sum of the definition', size => {
    const x = Float64Array.from({ length: size }, (_, i) => Math.sin(i * i + 1));
    const y = Float64Array.from({ length: size }, (_, i) => Math.cos(3 * i * i));
    const [re, im] = [x.slice(), y.slice()];
    createFft(size)(re, im);
    for (let k = 0; k < size; k++) {
      let [a, b] = [0, 0];
      for (let n = 0; n < size; n++) {
        const angle = (-2 * Math.PI * ((k * n) % size)) / size;
        a += x[n]! * Math.cos(angle) - y[n]! * Math.sin(angle);
        b += x[n]! * Math.sin(angle) + y[n]! * Math.cos(angle);
      }
      expect(Math.abs(re[k]! - a)).toBeLessThan(1e-12 * size);
      expect(Math.abs(im[k]! - b)).toBeLessThan(1e-12 * size);
    }
  });
  it('gives the same when it is used again', () => {
    const transform = createFft(20);
    const run = () => {
      const [re, im] = [Float64Array.from({ length: 20 }, (_, i) => i % 7), new Float64Array(20)];
      transform(re, im);
      return [...re, ...im];
    };
    expect(run()).toEqual(run());
  });
});
