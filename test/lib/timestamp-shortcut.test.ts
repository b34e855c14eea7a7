// The shortcut for the API's usual form of a time, compared with the parser for any form.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAnyForm, parseTimestamp } from '../../src/lib/timestamp.ts';

const two = (max: number) => fc.integer({ min: 0, max }).map((number) => String(number).padStart(2, '0'));
const year = fc.integer({ min: 0, max: 9999 }).map((number) => String(number).padStart(4, '0'));
const fraction = fc.oneof(fc.constant(''), fc.stringMatching(/^[.,]\d{0,11}$/));
const zone = fc.constantFrom('Z', 'Z', 'Z', 'z', '', '+02:00', '-0930');

test('any date and time, possible or not', () => {
  fc.assert(
    fc.property(year, two(13), two(32), two(25), two(61), two(62), fraction, zone, (y, mo, d, h, mi, s, f, z) => {
      const text = `${y}-${mo}-${d}T${h}:${mi}:${s}${f}${z}`;
      expect(parseTimestamp(text)).toBe(parseAnyForm(text));
    }),
    { numRuns: 5_000 },
  );
});

test.each(['', 'Z', '2026-06-08', '2026-06-08T20:41:53.Z', '2026-06-08T20:41:53Z\n', ' 2026-06-08T20:41:53Z'])(
  '%j',
  (text) => {
    expect(parseTimestamp(text)).toBe(parseAnyForm(text));
  },
);

test('nine digits stay, fewer are filled up', () => {
  expect(parseTimestamp('2026-06-08T20:41:53.788355855Z')).toBe('2026-06-08T20:41:53.788355855Z');
  expect(parseTimestamp('2026-06-08T20:41:53Z')).toBe('2026-06-08T20:41:53.000000000Z');
});
