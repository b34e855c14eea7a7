// The throttle against models of servers, in virtual time: how near to the ideal it comes, and how much is refused.

import { describe, expect, test } from 'vitest';
import { allowed, answered, asked, createThrottle, sent } from '../../src/api/throttle.ts';
import { concurrencyCap, every, fixedSecond, simulate, slidingSecond, tokenBucket } from './throttle-simulation.ts';

const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
const minute = 60_000;

describe('a server that counts requests at once', () => {
  test('32 at 100 ms: all 32 within half a second, and 0.95 of the ideal over the whole run', () => {
    const run = simulate({ server: concurrencyCap(() => 32), latencyMs: 100, untilMs: 100_000, requests: 20_000 });
    expect(run.limitAt(500)).toBe(32);
    expect(run.good).toBe(20_000);
    expect(run.endedAtMs).toBeLessThan((20_000 * 100) / 32 / 0.95);
    expect(run.refused).toBe(0);
    expect(run.highestInFlight).toBe(32);
  });

  test.each([20, 5, 1])('%i where more would be sent: found, and seldom passed', (cap) => {
    const run = simulate({ server: concurrencyCap(() => cap), latencyMs: 100, untilMs: minute });
    expect(run.rate(0, minute)).toBeGreaterThan(0.95 * cap * 10);
    expect(run.refused).toBeLessThan(0.04 * run.good);
  });

  test.each(seeds)('20 with answers that take longer or shorter, seed %i', (seed) => {
    const run = simulate({ server: concurrencyCap(() => 20), latencyMs: 100, jitterMs: 10, untilMs: minute, seed });
    expect(run.rate(0, minute)).toBeGreaterThan(0.9 * (20 / 0.11));
    expect(run.refused).toBeLessThan(0.02 * run.good);
  });

  test.each(seeds)('32, then 8, then 32 again: followed both ways, seed %i', (seed) => {
    const cap = (nowMs: number) => (nowMs > 20_000 && nowMs < 40_000 ? 8 : 32);
    const run = simulate({ server: concurrencyCap(cap), latencyMs: 100, jitterMs: 1, untilMs: minute, seed });
    expect(run.rate(25_000, 40_000)).toBeGreaterThan(0.5 * 80);
    expect(run.rate(50_000, minute)).toBeGreaterThan(0.9 * 320);
    expect(run.refused).toBeLessThan(0.02 * run.good);
  });
});

describe('a server that counts requests in any second', () => {
  test.each(seeds)('100 at 20 ms: 0.95 of it with under 3 %% refused, seed %i', (seed) => {
    for (const [jitterMs, untilMs] of [
      [0, minute],
      [1, 20_000],
      [1, minute],
      [5, minute],
    ] as const) {
      const run = simulate({ server: slidingSecond(() => 100), latencyMs: 20, jitterMs, untilMs, seed });
      expect(run.rate(0, untilMs)).toBeGreaterThan(95);
      expect(run.refused).toBeLessThan(0.03 * (run.good + run.refused));
    }
  });

  test.each([
    ['5 in a sliding second', slidingSecond(() => 5), 5],
    ['500 in a sliding second', slidingSecond(() => 500), 500],
    ['a bucket of 100 that refills by 100', tokenBucket(100, 100), 100],
    ['100 in each second of the clock', fixedSecond(100), 100],
  ])('%s', (_name, server, perSecond) => {
    const run = simulate({ server, latencyMs: 20, jitterMs: 1, untilMs: minute });
    expect(run.rate(0, minute)).toBeGreaterThan(0.88 * perSecond);
    expect(run.refused).toBeLessThan(10 + 0.03 * run.good);
  });

  test('a small bucket: its rate is found, if not at once', () => {
    const run = simulate({ server: tokenBucket(100, 10), latencyMs: 20, jitterMs: 1, untilMs: minute });
    expect(run.rate(minute / 2, minute)).toBeGreaterThan(90);
    expect(run.refused).toBeLessThan(0.03 * run.good);
  });

  test.each(seeds)('100, then 50, then 200: followed, seed %i', (seed) => {
    const perSecond = (nowMs: number) => (nowMs < 20_000 ? 100 : nowMs < 40_000 ? 50 : 200);
    const run = simulate({ server: slidingSecond(perSecond), latencyMs: 20, jitterMs: 1, untilMs: minute, seed });
    expect(run.rate(22_000, 40_000)).toBeGreaterThan(0.9 * 50);
    expect(run.rate(50_000, minute)).toBeGreaterThan(0.9 * 200);
    expect(run.refused).toBeLessThan(0.03 * run.good);
  });

  test('and at once, both: the tighter one is kept to', () => {
    const server = every(
      concurrencyCap(() => 8),
      slidingSecond(() => 100),
    );
    const run = simulate({ server, latencyMs: 50, jitterMs: 1, untilMs: minute });
    expect(run.rate(10_000, minute)).toBeGreaterThan(95);
    expect(run.refused).toBeLessThan(0.03 * run.good);
  });
});

test('a server that refuses everything for a while is asked seldom, and used fully afterwards', () => {
  const cap = (nowMs: number) => (nowMs > 10_000 && nowMs < 30_000 ? 0 : 32);
  const run = simulate({ server: concurrencyCap(cap), latencyMs: 100, jitterMs: 1, untilMs: minute });
  expect(run.refusedBetween(10_000, 30_000)).toBeLessThan(60);
  expect(run.rate(37_000, minute)).toBeGreaterThan(0.95 * 320);
});

describe('step by step', () => {
  const good = { kind: 'good' } as const;
  const send = (throttle: ReturnType<typeof createThrottle>, count: number, nowMs: number) =>
    Array.from({ length: count }, () => sent(throttle, nowMs));

  test('starts at 4, doubles in a round trip, never passes the maximum', () => {
    const throttle = createThrottle(10);
    for (const [round, expected] of [
      [0, 4],
      [1, 8],
      [2, 10],
      [3, 10],
    ] as const) {
      expect(allowed(throttle)).toBe(expected);
      for (const ticket of send(throttle, expected, round * 100)) answered(throttle, ticket, good, round * 100 + 100);
    }
    expect(allowed(createThrottle(2))).toBe(2);
  });

  test('a burst of refusals halves once; the next burst halves again', () => {
    const throttle = createThrottle(32);
    for (let round = 0; round < 6; round++) {
      const atMs = round * 100;
      for (const ticket of send(throttle, allowed(throttle), atMs)) answered(throttle, ticket, good, atMs + 100);
    }
    expect(allowed(throttle)).toBe(32);
    for (const ticket of send(throttle, 32, 700)) answered(throttle, ticket, { kind: 'refused' }, 710);
    expect(allowed(throttle)).toBe(16);
    for (const ticket of send(throttle, 16, 3_000)) answered(throttle, ticket, { kind: 'refused' }, 3_010);
    expect(throttle.limit).toBe(8);
  });

  test('Retry-After holds all requests, two minutes at most', () => {
    const throttle = createThrottle(32);
    const [first, second] = send(throttle, 2, 0);
    if (first === undefined || second === undefined) throw new Error('two were sent');
    answered(throttle, first, { kind: 'refused', retryAfterMs: 5_000 }, 20);
    answered(throttle, second, { kind: 'refused', retryAfterMs: 1_000 }, 30);
    expect(asked(throttle, 1_000)).toBe(4_020);
    expect(asked(throttle, 5_020)).toBe(0);
    const [third] = send(throttle, 1, 5_020);
    if (third === undefined) throw new Error('one was sent');
    answered(throttle, third, { kind: 'refused', retryAfterMs: 3_600_000 }, 5_040);
    expect(asked(throttle, 5_040)).toBe(120_000);
  });

  test('5xx and lost connections neither raise nor lower the limit', () => {
    const throttle = createThrottle(32);
    for (const ticket of send(throttle, 4, 0)) answered(throttle, ticket, { kind: 'failed' }, 100);
    expect(throttle.limit).toBe(4);
    expect(throttle.inFlight).toBe(0);
  });

  test('what is remembered is bounded by two seconds of requests', () => {
    const throttle = createThrottle(32);
    for (let ms = 0; ms < 60_000; ms++) answered(throttle, sent(throttle, ms), good, ms + 0.5);
    expect(throttle.recent.tickets.length).toBeLessThan(5_000);
    expect(throttle.recent.inSecond).toBeLessThanOrEqual(1_010);
  });
});
