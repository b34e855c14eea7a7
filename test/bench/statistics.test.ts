// What the benchmark makes of its rounds: medians, ratios and verdicts, and how they are written.

import { describe, expect, test } from 'vitest';
import { reach } from '../../bench/chart.ts';
import { row } from '../../bench/row.ts';
import { ratioOf, reaches, summarize } from '../../bench/statistics.ts';
import { asMarkdown, asText, sayNumber } from '../../bench/table.ts';

const slow = row({
  measure: 'history',
  what: 'history',
  short: 'history',
  value: { ...summarize([90, 110, 100]), unit: 'rows/s' },
  against: { name: 'a rival', ...summarize([30, 20, 25]), unit: 'rows/s' },
  ratio: ratioOf([90, 110, 100], [30, 20, 25]),
  bar: { is: 'least', at: 5 },
});

describe('statistics', () => {
  test('the median is the one in the middle, or between the two', () => {
    expect(summarize([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
    expect(summarize([4, 1, 2, 3])).toEqual({ median: 2.5, least: 1, most: 4 });
    expect(() => summarize([])).toThrow(RangeError);
  });

  test('a ratio is that of the rounds, not of the medians', () => {
    expect(ratioOf([10, 40], [10, 20])).toEqual({ median: 1.5, least: 1, most: 2 });
    expect(slow.ratio).toEqual({ median: 4, least: 3, most: 5.5 });
  });

  test('a bar is reached at the bar itself', () => {
    expect(reaches(5, { is: 'least', at: 5 })).toBe(true);
    expect(reaches(4.9, { is: 'least', at: 5 })).toBe(false);
    expect(reaches(1.1, { is: 'most', at: 1.1 })).toBe(true);
    expect(reaches(1.2, { is: 'most', at: 1.1 })).toBe(false);
  });
});

describe('a row', () => {
  test('is judged by its ratio, else by its value', () => {
    expect(slow.met).toBe(false);
    expect(row({ ...slow, ratio: null }).met).toBe(true);
    expect(row({ ...slow, bar: null }).met).toBe(null);
  });

  test('is as many times as good as its bar, whichever way that is', () => {
    expect(reach(slow)).toBeCloseTo(0.8);
    expect(reach({ ...slow, bar: { is: 'most', at: 2 } })).toBeCloseTo(0.5);
    expect(reach({ ...slow, ratio: null, bar: { is: 'most', at: 0 } })).toBe(0.1);
  });

  test('is a line of either table', () => {
    const cells = ['history', '100 (90 to 110) rows/s', 'a rival: 25 (20 to 30) rows/s', '4 (3 to 5.5)', '≥ 5', 'no'];
    expect(asText([slow]).split('\n').at(-1)).toBe(cells.join('  '));
    expect(asMarkdown([slow]).split('\n').at(-1)).toBe(`| ${cells.join(' | ')} |`);
  });

  test('has three digits that count', () => {
    expect([0, 0.1234, 1.005, 12.34, 123.4, 15_432.1].map(sayNumber)).toEqual([
      '0',
      '0.123',
      '1',
      '12.3',
      '123',
      '15,432',
    ]);
  });
});
