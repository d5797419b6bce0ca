/** How much carbon dioxide a kilowatt-hour of electricity stands for, by country. */
import { ConfigError } from '../../errors.ts';

/** Grams of CO2 equivalents for a kilowatt-hour, and where the number is from. */
export interface CarbonIntensity {
  readonly gramsPerKwh: number;
  /** A country, or `user` for a number that was given. */
  readonly region: string;
  readonly source: string;
  /** Of the mean; undefined for a number that was given. */
  readonly year: number | undefined;
}

/** Means over a year of all that a country's power stations made, with the making of their fuels. */
const SOURCE = 'Ember, Yearly Electricity Data 2024';
const YEAR = 2023;
/** By ISO 3166 code; `world` is the mean of all. */
export const CARBON_INTENSITIES: Readonly<Record<string, number>> = {
  ...{ world: 481, AT: 111, AU: 549, BE: 138, BR: 98, CA: 170, CH: 35, CN: 582, CZ: 450, DE: 381, DK: 152, ES: 174 },
  ...{ FI: 79, FR: 56, GB: 238, IN: 713, IT: 331, NL: 268, NO: 30, PL: 662, SE: 41, US: 369 },
};

/**
 * The intensity of a country, or of electricity of which it is known.
 * @param region a code of `CARBON_INTENSITIES` in any case, or grams for a kilowatt-hour
 * @throws ConfigError for a code that is not in the table and a number below 0
 */
export function carbonIntensity(region: string | number = 'world'): CarbonIntensity {
  if (typeof region === 'number') {
    if (!(region >= 0 && Number.isFinite(region)))
      throw new ConfigError('no amount of CO2', {
        seen: `${region}`,
        expected: 'grams for a kilowatt-hour, from 0 on',
      });
    return { gramsPerKwh: region, region: 'user', source: 'given', year: undefined };
  }
  const code = Object.keys(CARBON_INTENSITIES).find(known => known.toLowerCase() === region.toLowerCase());
  if (code === undefined)
    throw new ConfigError('the electricity of this region is not in the table', {
      seen: region,
      expected: Object.keys(CARBON_INTENSITIES).join(', '),
      fix: 'give its grams of CO2 for a kilowatt-hour as a number',
    });
  return { gramsPerKwh: CARBON_INTENSITIES[code]!, region: code, source: SOURCE, year: YEAR };
}
