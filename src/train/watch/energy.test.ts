import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CARBON_INTENSITIES, carbonIntensity } from './carbon-intensity.ts';
import { energyOf, startUsageMeter } from './energy.ts';

const HOUR = 3.6e6;

describe('energyOf', () => {
  it('is the formula: two cores for an hour with 8 GB', () => {
    const energy = energyOf(
      { milliseconds: HOUR, processorMilliseconds: 2 * HOUR, memoryBytes: 8e9 },
      { region: 'DE' },
    );
    const kwh = (2 * 12 + 8 * 0.3725) / 1000;
    expect(energy).toMatchObject({ method: 'estimated', pue: 1, wattsPerCore: 12 });
    expect(energy.kilowattHours).toBeCloseTo(kwh, 12);
    expect(energy.grams).toBeCloseTo(381 * kwh, 9);
    expect(energy.carbon).toMatchObject({ region: 'DE', year: 2023 });
  });
  it('takes what was measured, and what the user knows, instead', () => {
    const usage = { milliseconds: HOUR, processorMilliseconds: HOUR, memoryBytes: 0, joules: HOUR };
    expect(energyOf(usage, { region: 100, pue: 1.5 })).toEqual({
      method: 'measured',
      kilowattHours: 1.5,
      grams: 150,
      carbon: { gramsPerKwh: 100, region: 'user', source: 'given', year: undefined },
      pue: 1.5,
      wattsPerCore: undefined,
    });
    const { joules: _, ...estimated } = usage;
    expect(energyOf(estimated, { wattsPerCore: 20 }).kilowattHours).toBeCloseTo(0.02, 12);
  });
  it('refuses what cannot be', () => {
    const usage = { milliseconds: 1, processorMilliseconds: 1, memoryBytes: 1 };
    expect(() => energyOf(usage, { pue: 0.5 })).toThrow('PUE 0.5');
    expect(() => energyOf(usage, { wattsPerCore: Number.NaN })).toThrow('NaN');
    expect(() => energyOf(usage, { region: -1 })).toThrow('grams for a kilowatt-hour');
    expect(() => energyOf(usage, { region: 'XX' })).toThrow('seen: XX');
  });
  it('knows regions in any case', () => {
    expect(carbonIntensity('de').gramsPerKwh).toBe(CARBON_INTENSITIES.DE);
    expect(carbonIntensity().region).toBe('world');
  });
});

describe('the usage meter', () => {
  it('adds up the counters of whole processors, also where they begin again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'heed-rapl-'));
    const zone = async (name: string, what: string, microjoules: number) => {
      await mkdir(join(folder, name), { recursive: true });
      await writeFile(join(folder, name, 'name'), `${what}\n`);
      await writeFile(join(folder, name, 'max_energy_range_uj'), '100000000\n');
      await writeFile(join(folder, name, 'energy_uj'), `${microjoules}\n`);
    };
    try {
      await zone('intel-rapl:0', 'package-0', 10e6);
      await zone('intel-rapl:1', 'package-1', 95e6);
      await zone('intel-rapl:2', 'psys', 0);
      await zone('intel-rapl:0:0', 'core', 0);
      const meter = await startUsageMeter(folder);
      await zone('intel-rapl:0', 'package-0', 17e6);
      await zone('intel-rapl:1', 'package-1', 3e6);
      expect((await meter.read()).joules).toBeCloseTo(7 + 8, 9);
      await zone('intel-rapl:0', 'package-0', 18e6);
      const usage = await meter.read();
      expect(usage.joules).toBeCloseTo(16, 9);
      expect(usage.memoryBytes).toBeGreaterThan(1e6);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
  it('counts the time alone where there are no counters', async () => {
    const meter = await startUsageMeter(join(tmpdir(), 'heed-no-such-folder'));
    const usage = await meter.read();
    expect(usage.joules).toBeUndefined();
    expect(usage.processorMilliseconds).toBeGreaterThanOrEqual(0);
  });
});
