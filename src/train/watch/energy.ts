/**
 * What a run needs of electricity. Where the system counts it (the RAPL counters of Linux, which many systems let only the
 * administrator read) that is taken; else it is estimated as
 *
 *     energy = (busy processor time x power of a core + time x memory x power of memory) x PUE
 *
 * with the defaults of Lannelongue, Grealey and Inouye 2021, "Green Algorithms", for a processor that is not known. PUE, what a
 * data centre needs besides its computers, is 1 at home; data centres had 1.58 on average in 2023 (Uptime Institute).
 */
import { ConfigError } from '../../errors.ts';
import { nodeFiles } from '../../formats/index.ts';
import { type CarbonIntensity, carbonIntensity } from './carbon-intensity.ts';

/** Watts of a core at work and of a gigabyte of memory (Green Algorithms 2021). */
export const WATTS_PER_CORE = 12;
export const WATTS_PER_GIGABYTE = 0.3725;

export interface EnergyOptions {
  /** Watts of one core at work. Default 12. */
  readonly wattsPerCore?: number | undefined;
  /** What the building needs for each watt of the computer. Default 1. */
  readonly pue?: number | undefined;
  /** A country, or grams of CO2 for a kilowatt-hour: see `carbonIntensity`. */
  readonly region?: string | number | undefined;
}
/** What was used. */
export interface Usage {
  /** From start to end. */
  readonly milliseconds: number;
  /** Of all cores together. */
  readonly processorMilliseconds: number;
  readonly memoryBytes: number;
  /** What the system counted, if it did. */
  readonly joules?: number | undefined;
}
export interface Energy {
  readonly method: 'measured' | 'estimated';
  readonly kilowattHours: number;
  readonly grams: number;
  readonly carbon: CarbonIntensity;
  readonly pue: number;
  /** Of the estimate; undefined where it was measured. */
  readonly wattsPerCore: number | undefined;
}

const JOULES_PER_KWH = 3.6e6;

/** @throws ConfigError for a power below 0, a PUE below 1 and what `carbonIntensity` refuses */
export function energyOf(usage: Usage, { wattsPerCore = WATTS_PER_CORE, pue = 1, region }: EnergyOptions = {}): Energy {
  if (!(wattsPerCore >= 0 && Number.isFinite(wattsPerCore)))
    throw new ConfigError('no power of a core', { seen: `${wattsPerCore}`, expected: 'watts from 0 on' });
  if (!(pue >= 1 && Number.isFinite(pue)))
    throw new ConfigError('no building needs less than its computers', { seen: `PUE ${pue}`, expected: '1 or more' });
  const carbon = carbonIntensity(region);
  const seconds = usage.milliseconds / 1000;
  const estimate =
    (usage.processorMilliseconds / 1000) * wattsPerCore + seconds * (usage.memoryBytes / 1e9) * WATTS_PER_GIGABYTE;
  const kilowattHours = ((usage.joules ?? estimate) * pue) / JOULES_PER_KWH;
  return {
    method: usage.joules === undefined ? 'estimated' : 'measured',
    kilowattHours,
    grams: kilowattHours * carbon.gramsPerKwh,
    carbon,
    pue,
    wattsPerCore: usage.joules === undefined ? wattsPerCore : undefined,
  };
}

/** Counts what this process uses, in Node; `read` gives it from the start on. */
export interface UsageMeter {
  read(): Promise<Usage>;
}

const COUNTERS = '/sys/class/powercap';

/** @param counters where the system's energy counters are; elsewhere than on Linux there are none */
export async function startUsageMeter(counters: string = COUNTERS): Promise<UsageMeter> {
  const zones = await packages(counters);
  const before = await Promise.all(zones.map(joulesOf));
  const processor = process.cpuUsage();
  const begin = performance.now();
  let counted = 0;
  return {
    async read() {
      const { user, system } = process.cpuUsage(processor);
      const now = await Promise.all(zones.map(joulesOf));
      zones.forEach(({ range }, i) => {
        // A counter that has come to its end begins again.
        const more = now[i]! - before[i]!;
        counted += more < 0 ? more + range : more;
        before[i] = now[i]!;
      });
      return {
        milliseconds: performance.now() - begin,
        processorMilliseconds: (user + system) / 1000,
        memoryBytes: process.memoryUsage().rss,
        ...(zones.length > 0 && { joules: counted }),
      };
    },
  };
}

interface Zone {
  readonly path: string;
  /** Joules at which the counter begins again. */
  readonly range: number;
}

const joulesOf = async ({ path }: Pick<Zone, 'path'>) => {
  const { readFile } = await nodeFiles();
  return Number(await readFile(`${path}/energy_uj`, 'utf8')) / 1e6;
};

/** The counters of whole processors, if they can all be read. Parts of them, such as `intel-rapl:0:0`, are in these. */
async function packages(folder: string): Promise<Zone[]> {
  const { readdir, readFile } = await nodeFiles();
  try {
    const names = (await readdir(folder)).filter(name => /^intel-rapl:\d+$/.test(name));
    const zones: Zone[] = [];
    for (const name of names) {
      const path = `${folder}/${name}`;
      if (!(await readFile(`${path}/name`, 'utf8')).startsWith('package')) continue;
      zones.push({ path, range: Number(await readFile(`${path}/max_energy_range_uj`, 'utf8')) / 1e6 });
      await joulesOf({ path });
    }
    return zones;
  } catch (error) {
    // No such folder, or not for this user: then there is the estimate.
    if (['ENOENT', 'EACCES', 'EPERM', 'ENODATA'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}
