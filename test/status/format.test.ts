// What people read of numbers, times and passes.

import { expect, test } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatEstimate,
  formatInstant,
  formatMany,
  formatShare,
  formatWork,
} from '../../src/status/format.ts';

test('numbers, durations, instants', () => {
  expect([formatCount(1234567), formatMany(1, 'day'), formatMany(1200, 'day')]).toEqual([
    '1,234,567',
    '1 day',
    '1,200 days',
  ]);
  expect([0, 8191, 22_600_000, 1_440_000_000].map(formatBytes)).toEqual(['0 kB', '9 kB', '23 MB', '1.4 GB']);
  expect([-1, 4.4, 99, 100, 5940, 7200, 100_000, 200_000, 2_000_000].map(formatDuration)).toEqual([
    '0 s',
    '4 s',
    '99 s',
    '2 min',
    '99 min',
    '2 h',
    '27 h 47 min',
    '2 d 7 h',
    '23 d',
  ]);
  expect([0.123, 4.21, 12].map(formatWork)).toEqual(['123 ms', '4.2 s', '12 s']);
  expect([1, 43, 130, 4000].map(formatEstimate)).toEqual(['5 s', '45 s', '3 min', '70 min']);
  expect([0, 0.001, 0.5, 0.999, 1].map(formatShare)).toEqual(['0 %', '1 %', '50 %', '99 %', '100 %']);
  const now = '2026-09-15T10:00:00Z';
  expect(formatInstant('2026-09-15T09:12:05Z', now)).toBe('09:12:05 UTC');
  expect(formatInstant('2026-09-14T23:59:59Z', now)).toBe('14 Sep 2026, 23:59:59 UTC');
});
