import { describe, expect, it } from 'vitest';
import { resample } from './resample.ts';

const tone = (hertz: number, rate: number, seconds: number) =>
  Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / rate));
/** Largest value away from the ends, where the silence around the signal is heard. */
const peak = (x: Float32Array) => {
  const edge = Math.floor(x.length / 5);
  return x.subarray(edge, x.length - edge).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
};
const decibel = (ratio: number) => 20 * Math.log10(ratio);

describe('resample', () => {
  it.each([8000, 11025, 22050, 24000, 44100, 48000, 44056, 96000])('%i Hz to 16 kHz keeps tones as they are', rate => {
    const nyquist = Math.min(rate, 16000) / 2;
    for (const hertz of [50, 0.31 * nyquist, 0.9 * nyquist]) {
      const [made, wanted] = [resample(tone(hertz, rate, 0.1), rate, 16000), tone(hertz, 16000, 0.11)];
      expect(made.length).toBe(Math.ceil((Math.round(rate / 10) * 16000) / rate));
      const error = peak(made.map((x, i) => x - wanted[i]!));
      expect(decibel(1 + error), `${hertz} Hz`).toBeLessThan(0.001);
    }
  });
  it.each([22050, 44100, 48000])('%i Hz to 16 kHz: what is above 8 kHz is 90 dB down', rate => {
    for (const hertz of [8000, 8300, 0.49 * rate])
      expect(decibel(peak(resample(tone(hertz, rate, 0.1), rate, 16000))), `${hertz} Hz`).toBeLessThan(-90);
  });
  it('keeps the level of a constant, and the samples at the same rate', () => {
    const level = new Float32Array(4410).fill(0.5);
    expect(Math.abs(decibel(2 * peak(resample(level, 44100, 16000))))).toBeLessThan(0.001);
    expect(resample(level, 16000, 16000)).toBe(level);
  });
  it('rounds the length up', () => {
    expect(resample(new Float32Array(1), 44100, 16000).length).toBe(1);
    expect(resample(new Float32Array(0), 44100, 16000).length).toBe(0);
    expect(resample(new Float32Array(3), 48000, 16000).length).toBe(1);
    expect(resample(new Float32Array(4), 48000, 16000).length).toBe(2);
  });
  it('gives the same with rates that have nothing in common, for which no taps are kept', () => {
    const x = tone(300, 767_957, 0.01);
    expect(peak(resample(x, 767_957, 16000).map((y, i) => y - Math.sin((2 * Math.PI * 300 * i) / 16000)))).toBeLessThan(
      1e-4,
    );
  });
  it.each([0, 999, 44100.5, Number.NaN, 1e9])('refuses %d Hz', rate => {
    expect(() => resample(new Float32Array(10), rate, 16000)).toThrow(/sample rate; seen/);
  });
});
