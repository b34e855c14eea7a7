// Times in any way RFC 3339 allows, one canonical text out: no digit lost, and string order is time order.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatSeconds,
  parseTimestamp,
  secondsOf,
  type Timestamp,
  timestampOf,
  toMicroseconds,
} from '../../src/lib/timestamp.ts';

const first = -62_167_219_200;
const last = 253_402_300_799;
const seconds = fc.oneof(
  fc.integer({ min: first, max: last }),
  fc.constantFrom(first, last, -1, 0, 951_782_400, 4_107_542_399),
);
const digits = fc.stringMatching(/^[0-9]{0,9}$/);
const offsetMinutes = fc.oneof(fc.constant(0), fc.integer({ min: -1439, max: 1439 }));

/** An instant as somebody at this offset would write it; undefined where their year has no four digits. */
function written(at: number, fraction: string, minutes: number): string | undefined {
  const local = new Date((at + minutes * 60) * 1000).toISOString();
  if (local.length !== 24) return undefined;
  const two = (number: number) => String(number).padStart(2, '0');
  const size = Math.abs(minutes);
  const zone = `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  return `${local.slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}${zone}`;
}

function parsed(text: string): Timestamp {
  const timestamp = parseTimestamp(text);
  if (timestamp === undefined) throw new Error(`${text} was not read`);
  return timestamp;
}

describe('parseTimestamp', () => {
  test('any instant, at any offset, with 0 to 9 digits, is that instant', () => {
    fc.assert(
      fc.property(seconds, digits, offsetMinutes, (at, fraction, minutes) => {
        const text = written(at, fraction, minutes);
        fc.pre(text !== undefined);
        const timestamp = parsed(text);
        expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
        expect(secondsOf(timestamp)).toBe(at);
        expect(timestamp.slice(20, 29)).toBe(fraction.padEnd(9, '0'));
        expect(parseTimestamp(timestamp)).toBe(timestamp);
      }),
      { numRuns: 2_000 },
    );
  });

  test('string order is time order', () => {
    const instant = fc.tuple(seconds, digits, offsetMinutes);
    const nanoseconds = (at: number, fraction: string) => BigInt(at) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
    fc.assert(
      fc.property(
        instant,
        instant,
        fc.boolean(),
        ([at, fraction, minutes], [other, otherFraction, otherMinutes], near) => {
          const second = near ? at : other;
          const texts = [written(at, fraction, minutes), written(second, otherFraction, otherMinutes)];
          fc.pre(texts[0] !== undefined && texts[1] !== undefined);
          const [a, b] = [parsed(texts[0]), parsed(texts[1])];
          const [x, y] = [nanoseconds(at, fraction), nanoseconds(second, otherFraction)];
          expect(a < b).toBe(x < y);
          expect(a === b).toBe(x === y);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['2026-06-08T20:41:53.788355855Z', '2026-06-08T20:41:53.788355855Z'],
    ['2026-06-08T20:41:53Z', '2026-06-08T20:41:53.000000000Z'],
    ['2026-06-08t20:41:53.5z', '2026-06-08T20:41:53.500000000Z'],
    ['2026-06-08 20:41:53,25Z', '2026-06-08T20:41:53.250000000Z'],
    ['2026-06-08T20:41:53.9999999999Z', '2026-06-08T20:41:53.999999999Z'],
    ['2026-06-08T00:30:00+02:00', '2026-06-07T22:30:00.000000000Z'],
    ['2026-06-08T20:41:53-0930', '2026-06-09T06:11:53.000000000Z'],
    ['2026-06-08T20:41:53-00:00', '2026-06-08T20:41:53.000000000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000000000Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000000000Z'],
    ['0000-02-29T00:00:00Z', '0000-02-29T00:00:00.000000000Z'],
    ['9999-12-31T23:59:59.999999999Z', '9999-12-31T23:59:59.999999999Z'],
  ])('%s is %s', (text, canonical) => {
    expect(parseTimestamp(text)).toBe(canonical);
  });

  test('a leap second is the second after it, as Postgres has it', () => {
    expect(parseTimestamp('2016-12-31T23:59:60.25Z')).toBe('2017-01-01T00:00:00.250000000Z');
    expect(parseTimestamp('2017-01-01T00:59:60+01:00')).toBe('2017-01-01T00:00:00.000000000Z');
  });

  test.each([
    '9999-12-31T23:59:60Z',
    '9999-12-31T23:30:00-01:00',
    '0000-01-01T00:30:00+01:00',
    '10000-01-01T00:00:00Z',
    '-0001-01-01T00:00:00Z',
    '+002026-06-08T20:41:53Z',
  ])('%s lies outside the years that sort as text', (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });

  test.each([
    '',
    'now',
    'infinity',
    '2026-06-08',
    '2026-06-08T20:41Z',
    '2026-06-08T20:41:53',
    '2026-06-08T20:41:53.Z',
    '2026-06-08T20:41:53Z ',
    '2026-06-08T20:41:53Z\n',
    '2026-06-08T20:41:53 Z',
    '2026-06-08T20:41:53+2:00',
    '2026-06-08T20:41:53+02',
    '2026-06-08T20:41:53+02:60',
    '2026-06-08T20:41:53+24:00',
    '2026-06-08T20:41:53−02:00',
    '2026-06-08T24:00:00Z',
    '2026-06-08T20:60:00Z',
    '2026-06-08T20:41:61Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-06-00T00:00:00Z',
    '2026-06-31T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '٢٠٢٦-06-08T20:41:53Z',
    '1780951313',
  ])('%j is not one', (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });
});

describe('seconds and microseconds', () => {
  test('a whole second is written as the API takes it, and read back', () => {
    expect(formatSeconds(1_768_473_000)).toBe('2026-01-15T10:30:00Z');
    fc.assert(
      fc.property(seconds, (at) => {
        expect(formatSeconds(at)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        expect(parseTimestamp(formatSeconds(at))).toBe(timestampOf(at));
        expect(secondsOf(timestampOf(at))).toBe(at);
      }),
    );
  });

  test('a time lies in the second that it began in, also before 1970', () => {
    expect(secondsOf(parsed('1969-12-31T23:59:59.999999999Z'))).toBe(-1);
    expect(secondsOf(parsed('1970-01-01T00:00:00.999999999Z'))).toBe(0);
  });

  test('what is past the microsecond is cut, never rounded into the next one', () => {
    expect(toMicroseconds(parsed('2026-06-08T20:41:53.788355855Z'))).toBe('2026-06-08T20:41:53.788355Z');
    expect(toMicroseconds(parsed('2026-12-31T23:59:59.999999999Z'))).toBe('2026-12-31T23:59:59.999999Z');
    expect(toMicroseconds(parsed('2026-06-08T20:41:53Z'))).toBe('2026-06-08T20:41:53.000000Z');
  });
});
