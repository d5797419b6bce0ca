import { describe, expect, it } from 'vitest';
import { createFilters, createRemover } from './filters.ts';

const chain = (...filter: { function: string; [setting: string]: unknown }[]) =>
  createFilters([{ name: 'x', filter }], 'test')[0]!;
const regex = (regex_pattern: string, settings = {}) => chain({ function: 'regex', regex_pattern, ...settings });

describe('filters', () => {
  it('extract as the reference does', () => {
    expect(regex('#### (\\-?[0-9\\.\\,]+)').apply(['so #### 1,234. Then #### 5'])).toBe('1,234.');
    expect(regex('#### (\\-?[0-9\\.\\,]+)').apply(['nothing'])).toBe('[invalid]');
    const flexible = regex('(-?[$0-9.,]{2,})|(-?[0-9]+)', { group_select: -1 });
    expect(flexible.apply(['It is 3, or rather $18.'])).toBe('$18.');
    expect(flexible.apply(['It is 3'])).toBe('3');
    expect(regex('(?i)answer is:? \\(?([A-D])\\)?').apply(['The ANSWER is (c)'])).toBe('c');
    expect(regex('\\d+').apply(['a 12 b'])).toBe('12');
    expect(regex('(?P<word>[a-z]+)!', { fallback: '?' }).apply(['oh no! yes!'])).toBe('no');
  });
  it('change, choose and count', () => {
    expect(chain({ function: 'lowercase' }, { function: 'remove_whitespace' }).apply([' A '])).toBe('a');
    expect(chain({ function: 'majority_vote' }, { function: 'take_first' }).apply(['a', 'b', 'b'])).toBe('b');
    expect(chain({ function: 'map', mapping_dict: { ja: 'yes' }, default_value: 'no' }).apply(['nö'])).toBe('no');
    expect(createFilters(undefined, 'test')[0]!.apply(['as it is'])).toBe('as it is');
  });
  it('take expressions out of a text', () => {
    expect(createRemover('(?s).*#### ', 'test')('so\nit is. #### 1.8')).toBe('1.8');
    expect(createRemover('\\.$', 'test')('1.8.')).toBe('1.8');
    expect(createRemover('\\$', 'test')('$1$')).toBe('1');
    expect(createRemover(',', 'test')('1,000,000')).toBe('1000000');
  });
  it('say which filter there is none of, and which expression is refused', () => {
    expect(() => chain({ function: 'lower' })).toThrow(/did you mean lowercase|lowercase/);
    expect(() => regex('(a+)+$')).toThrow(/cannot be used/);
    expect(() => regex('(')).toThrow(/cannot be used/);
    expect(() => regex('.*.*.*.*x').apply(['a'.repeat(3000) + 'x'])).toThrow(/too long/);
    expect(regex('.*.*.*.*x').apply(['a'.repeat(3000)])).toBe('[invalid]');
  });
});
