// What is retried, when, and what ends it.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, type Outcome, retryAfterMs, retryLimits, waitAsked } from '../../src/twilio/retry.ts';

const status = (code: number, afterMs?: number): Outcome => ({ kind: 'status', status: code, retryAfterMs: afterMs });
const half = () => 0.5;

test.each([301, 400, 401, 403, 404, 409, 410, 422, 501, 505])('%i is not sent again', (code) => {
  expect(decide(1, status(code), half).again).toBe(false);
});

test.each([204, 206, 408, 425, 429, 500, 502, 503, 504, 520, 529])('%i is sent again', (code) => {
  expect(decide(1, status(code), half).again).toBe(true);
});

test.each(['dns', 'connect', 'proxy', 'reset', 'protocol', 'timeout'] as const)('%s is tried again', (trouble) => {
  expect(decide(1, { kind: 'unreachable', trouble }, half).again).toBe(true);
});

test('a certificate, a closed client, and a body too large are not tried again', () => {
  expect(decide(1, { kind: 'unreachable', trouble: 'tls' }, half).again).toBe(false);
  expect(decide(1, { kind: 'unreachable', trouble: 'closed' }, half).again).toBe(false);
  expect(decide(1, { kind: 'too-large' }, half).again).toBe(false);
});

test('attempts end', () => {
  const outcomes: Outcome[] = [
    status(429),
    status(503),
    { kind: 'unreadable' },
    { kind: 'unreachable', trouble: 'reset' },
  ];
  for (const outcome of outcomes) {
    const last = [...Array(50).keys()].findIndex((at) => !decide(at + 1, outcome, half).again);
    expect(last).toBeGreaterThan(1);
    expect(last).toBeLessThan(12);
  }
});

test('the wait is jittered over all of a doubling span, capped by us, floored by the server', () => {
  const chance = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), chance, fc.nat(200_000), (attempt, random, floorMs) => {
      const decision = decide(attempt, status(429, floorMs), () => random);
      if (floorMs > retryLimits.serverCapMs) expect(decision.again).toBe(false);
      else if (decision.again) {
        const spanMs = Math.min(retryLimits.capMs, 100 * 2 ** (attempt - 1));
        expect(decision.afterMs).toBe(Math.max(floorMs, random * spanMs));
      }
    }),
  );
});

describe('Retry-After', () => {
  const date = 'Thu, 15 Jan 2026 10:30:00 GMT';

  test.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['1.5', 1_500],
    ['Thu, 15 Jan 2026 10:30:30 GMT', 30_000],
    ['Thu, 15 Jan 2026 10:29:00 GMT', 0],
    ['Thursday, 15-Jan-26 10:30:30 GMT', 30_000],
    ['soon', undefined],
    ['-5', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j', (header, ms) => {
    expect(retryAfterMs(header, date)).toBe(ms);
  });

  test("a date without the answer's own Date says nothing", () => {
    expect(retryAfterMs('Thu, 15 Jan 2026 10:30:30 GMT', undefined)).toBeUndefined();
  });
});

describe('what a 429 asks to wait', () => {
  const date = 'Thu, 15 Jan 2026 10:30:00 GMT';
  const epoch = Date.parse(date) / 1_000;
  const wait = (reset: string | undefined, more: { retryAfter?: string; date?: string | undefined } = {}) => {
    const rateLimit = { limit: '300', remaining: '0', reset };
    return waitAsked({ retryAfter: undefined, date, rateLimit, ...more }, retryLimits.serverCapMs);
  };

  test.each([
    ['1', 1_000],
    [' 0 ', 0],
    ['59.5', 59_500],
    [String(epoch + 30), 30_000],
    [String((epoch + 30) * 1_000), 30_000],
    [String((epoch + 30) * 1_000 + 250), 30_250],
  ])('X-RateLimit-Reset: %s', (reset, ms) => {
    expect(wait(reset)).toBe(ms);
  });

  test.each([
    ['longer than we agree to', '121'],
    ['milliseconds, or seconds of a day', '86400'],
    ['a year ahead', String(epoch + 365 * 86_400)],
    ['over', String(epoch - 1)],
    ['negative', '-5'],
    ['huge', '9'.repeat(40)],
    ['between an epoch in seconds and one in milliseconds', '123456789012'],
    ['text', 'soon'],
    ['a date', 'Thu, 15 Jan 2026 10:30:30 GMT'],
    ['empty', ''],
    ['absent', undefined],
  ])('%s says nothing', (_name, reset) => {
    expect(wait(reset)).toBeUndefined();
  });

  test('an epoch is held against the answer of which it is part, and without its Date says nothing', () => {
    expect(wait(String(epoch + 30), { date: 'Thu, 15 Jan 2026 10:30:20 GMT' })).toBe(10_000);
    expect(wait(String(epoch + 30), { date: undefined })).toBeUndefined();
    expect(wait('30', { date: undefined })).toBe(30_000);
  });

  test('Retry-After is about this request, so it goes before', () => {
    expect(wait('59', { retryAfter: '2' })).toBe(2_000);
    expect(wait('59', { retryAfter: 'soon' })).toBe(59_000);
  });
});
