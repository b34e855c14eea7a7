// The limiter against models of servers, in virtual time: how near to the ideal it comes, and how much is refused, over a
// grid of limits, shares of random refusals and latencies. Each run is named with its seed.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowed, answered, asked, createLimiter, type Limiter, sent } from '../../src/twilio/limiter/limiter.ts';
import {
  atOnce,
  every,
  fixedWindow,
  limiter,
  type Scenario,
  type Server,
  shedding,
  simulate,
  slidingSecond,
  tokenBucket,
} from './limiter-simulation.ts';

const minute = 60_000;
const run = (scenario: Scenario) => simulate(scenario, limiter);
const free: Server = () => true;

/** The waits that a 429 may ask for: `Retry-After: 1`, `X-RateLimit-Reset` in seconds or as an epoch, nothing. */
const waits: [string, { waitMs?: (nowMs: number) => number }][] = [
  ['Retry-After or Reset in seconds', { waitMs: () => 1_000 }],
  // Both the reset and the answer's Date have whole seconds.
  [
    'Reset as an epoch',
    { waitMs: (nowMs) => Math.ceil(nowMs / 1_000 + 1) * 1_000 - Math.floor(nowMs / 1_000) * 1_000 },
  ],
  ['neither', {}],
];

describe('refusals at random do not slow it down', () => {
  const cells = [20, 100, 500, 2_000].flatMap((latencyMs) =>
    [0.01, 0.04].flatMap((share) => waits.map(([name, wait], at) => ({ latencyMs, share, name, wait, seed: at + 1 }))),
  );
  test.each(cells)('$share at $latencyMs ms, with $name, seed $seed', ({ latencyMs, share, wait, seed }) => {
    const scenario = { seed, latencyMs, untilMs: minute / 2, ...wait };
    const { good } = run({ ...scenario, server: shedding(() => share, seed) });
    expect(good / run({ ...scenario, server: free }).good).toBeGreaterThan(0.8);
  });

  test.each([1, 2, 3])('0.04 at 1 ms, and 0.1 at 100 ms, seed %i', (seed) => {
    const quick = { seed, latencyMs: 1, maxConcurrency: 2, untilMs: minute / 2 };
    const { good } = run({ ...quick, server: shedding(() => 0.04, seed) });
    expect(good / run({ ...quick, server: free }).good).toBeGreaterThan(0.6);
    const slow = { seed, latencyMs: 100, untilMs: minute };
    const tenth = run({ ...slow, server: shedding(() => 0.1, seed) });
    expect(tenth.good / run({ ...slow, server: free }).good).toBeGreaterThan(0.7);
    // A refused request goes before new ones.
    expect(tenth.longestMs).toBeLessThan(10_000);
  });
});

/** Of what a server takes, and refused: in the first minute, in which the limit is found, and in the second. */
function minutes(scenario: Omit<Scenario, 'untilMs'>) {
  const report = run({ ...scenario, untilMs: 2 * minute });
  const of = (fromMs: number) => ({
    rate: report.rate(fromMs, fromMs + minute),
    share: report.refusedShare(fromMs, fromMs + minute),
  });
  return { first: of(0), second: of(minute), report };
}

describe('a limit a second is used, and seldom passed', () => {
  const cells = [1, 5, 20, 100, 500].flatMap((limit) =>
    [20, 100, 500].flatMap((latencyMs) =>
      [0, 0.04].map((share) => ({ limit, latencyMs, share, seed: limit + latencyMs })),
    ),
  );
  test.each(cells)('$limit/s at $latencyMs ms, $share refused at random, seed $seed', (cell) => {
    const { limit, latencyMs, share, seed } = cell;
    const server = every(
      shedding(() => share, seed),
      slidingSecond(() => limit),
    );
    const maxConcurrency = Math.max(32, (limit * latencyMs * 1.5) / 1_000);
    const { first, second } = minutes({ seed, server, latencyMs, maxConcurrency });
    // Where it takes long to hear of it, a minute is short.
    expect(first.rate / limit).toBeGreaterThan(share > 0 ? 0.6 : latencyMs > 100 ? 0.75 : 0.95);
    expect(second.rate / limit).toBeGreaterThan(share === 0 ? 0.95 : 0.7);
    if (share === 0) expect(second.share).toBeLessThan(0.03);
  });

  test.each([
    ['1,000/s at 10 ms', { server: slidingSecond(() => 1_000), latencyMs: 10 }, 1_000],
    ['a bucket of 100 that refills by 100', { server: tokenBucket(100, 100), latencyMs: 20 }, 100],
    ['a bucket of 10 that refills by 100', { server: tokenBucket(100, 10), latencyMs: 20 }, 100],
    ['100 in each second of the clock', { server: fixedWindow(100, 1_000).server, latencyMs: 20 }, 100],
    ['20 at 2 s', { server: slidingSecond(() => 20), latencyMs: 2_000, maxConcurrency: 60 }, 20],
    ['100 at 20 ms with Retry-After: 1', { server: slidingSecond(() => 100), latencyMs: 20, waitMs: () => 1_000 }, 100],
    ['100 at 20 ms, 5 ms of jitter', { server: slidingSecond(() => 100), latencyMs: 20, jitterMs: 5 }, 100],
    [
      '100 at 20 ms, refused as late as answered',
      { server: slidingSecond(() => 100), latencyMs: 20, refusalMs: 19 },
      100,
    ],
  ])('%s, seed 1', (_name, scenario, perSecond) => {
    const { second } = minutes({ seed: 1, ...scenario });
    expect(second.rate / perSecond).toBeGreaterThan(0.95);
    expect(second.share).toBeLessThan(0.04);
  });

  test.each([1, 2, 3, 4])('100, then 50, then 200: followed, seed %i', (seed) => {
    const perSecond = (nowMs: number) => (nowMs < 20_000 ? 100 : nowMs < 40_000 ? 50 : 200);
    const report = run({ seed, server: slidingSecond(perSecond), latencyMs: 20, untilMs: minute });
    expect(report.rate(22_000, 40_000)).toBeGreaterThan(0.9 * 50);
    expect(report.rate(50_000, minute)).toBeGreaterThan(0.9 * 200);
    expect(report.refusedShare(0, minute)).toBeLessThan(0.03);
  });
});

describe('a limit at once is used, and seldom passed', () => {
  const cells = [1, 2, 5, 20].flatMap((limit) =>
    [20, 100, 500, 2_000].flatMap((latencyMs) =>
      [0, 0.04].map((share) => ({ limit, latencyMs, share, seed: limit + latencyMs })),
    ),
  );
  test.each(cells)('$limit at $latencyMs ms, $share refused at random, seed $seed', (cell) => {
    const { limit, latencyMs, share, seed } = cell;
    const server = every(
      shedding(() => share, seed),
      atOnce(() => limit),
    );
    const { first, second } = minutes({ seed, server, latencyMs });
    const ideal = (limit * 1_000) / (latencyMs + 0.5);
    expect(first.rate / ideal).toBeGreaterThan(share === 0 ? 0.85 : 0.4);
    expect(second.rate / ideal).toBeGreaterThan(share === 0 ? 0.9 : 0.5);
    if (share === 0) expect(second.share).toBeLessThan(0.03);
  });

  test('32 at 100 ms: all 32 within half a second, none refused, and 0.95 of the ideal over the whole run, seed 1', () => {
    const report = run({ seed: 1, server: atOnce(() => 32), latencyMs: 100, untilMs: 100_000, requests: 20_000 });
    expect(report.good).toBe(20_000);
    expect(report.endedAtMs).toBeLessThan((20_000 * 100) / 32 / 0.95);
    expect(report.refused).toBe(0);
    expect(report.highestInFlight).toBe(32);
    expect(run({ seed: 1, server: free, latencyMs: 100, untilMs: 500 }).highestInFlight).toBe(32);
  });

  test.each([1, 2, 3, 4])('32, then 8, then 32: followed both ways, seed %i', (seed) => {
    const most = (nowMs: number) => (nowMs > 20_000 && nowMs < 40_000 ? 8 : 32);
    const report = run({ seed, server: atOnce(most), latencyMs: 100, untilMs: minute });
    expect(report.rate(25_000, 40_000)).toBeGreaterThan(0.7 * 80);
    expect(report.rate(50_000, minute)).toBeGreaterThan(0.9 * 320);
    expect(report.refusedShare(0, minute)).toBeLessThan(0.03);
  });
});

test.each([1, 2, 3])('both limits, and refusals at random with them, seed %i', (seed) => {
  for (const [perSecond, ideal] of [
    [100, 100],
    [200, 160],
  ] as const) {
    const real = every(
      atOnce(() => 8),
      slidingSecond(() => perSecond),
    );
    const { second } = minutes({ seed, server: real, latencyMs: 50 });
    expect(second.rate / ideal).toBeGreaterThan(0.93);
    expect(second.share).toBeLessThan(0.03);
  }
  const server = every(
    shedding(() => 0.04, seed),
    atOnce(() => 8),
    slidingSecond(() => 100),
  );
  expect(minutes({ seed, server, latencyMs: 50 }).second.rate).toBeGreaterThan(80);
});

describe('a quota that others share', () => {
  test.each(waits)('60 of 100 a second are taken evenly: the other 40 are used, with %s, seed 1', (_name, wait) => {
    const server = tokenBucket(100, 100, () => 0.06);
    const { second } = minutes({ seed: 1, server, latencyMs: 100, ...wait });
    expect(second.rate).toBeGreaterThan(0.95 * 40);
    expect(second.share).toBeLessThan(0.1);
  });
});

describe('a quota of 300 a minute is used fully, with few refusals', () => {
  const untilMs = 5 * minute;
  test.each([
    ['429s that say when it is over', { waits: true, counts: false, refusalMs: 1 }, 0.04],
    ['the same, as late as answers', { waits: true, counts: false, refusalMs: 99 }, 0.08],
    ['answers that count it down', { waits: true, counts: true, refusalMs: 99 }, 0.01],
    ['no word of it', { waits: false, counts: false, refusalMs: 1 }, 0.12],
  ])('%s, seed 1', (_name, said, refused) => {
    const window = fixedWindow(300, minute);
    const report = run({
      seed: 1,
      server: window.server,
      latencyMs: 100,
      untilMs,
      refusalMs: said.refusalMs,
      ...(said.waits && { waitMs: window.untilNextMs }),
      ...(said.counts && { remaining: window.remaining }),
    });
    expect(report.good).toBe(300 * 5);
    expect(report.refusedShare(0, untilMs)).toBeLessThan(refused);
  });

  test.each([
    ['none left, with every answer', () => 0],
    ['one left, then none, again and again', (nowMs: number) => Math.floor(nowMs) % 2],
    ['a countdown that means nothing', (nowMs: number) => 100 - (Math.floor(nowMs) % 101)],
  ])('wrong headers do not slow it down: %s, seed 1', (_name, remaining) => {
    const scenario = { seed: 1, latencyMs: 100, untilMs: minute, remaining };
    expect(run({ ...scenario, server: free }).good).toBeGreaterThan(0.9 * 320 * 60);
    const server = every(
      shedding(() => 0.04, 1),
      atOnce((nowMs) => (nowMs > 20_000 && nowMs < 30_000 ? 0 : 32)),
    );
    const report = run({ ...scenario, server, waitMs: () => 1_000 });
    expect(report.rate(40_000, minute)).toBeGreaterThan(0.8 * 320);
  });
});

describe('over half refused', () => {
  test.each([1, 2, 3])('everything for minutes: asked one at a time with longer pauses, seed %i', (seed) => {
    const most = (nowMs: number) => (nowMs > 10_000 && nowMs < 3 * minute ? 0 : 32);
    const report = run({ seed, server: atOnce(most), latencyMs: 100, untilMs: 4 * minute });
    expect(report.refusedBetween(10_000, 20_000)).toBeLessThan(60);
    // Each five seconds.
    expect(report.refusedBetween(minute, 3 * minute)).toBeLessThan(26);
    expect(report.rate(3 * minute + 30_000, 4 * minute)).toBeGreaterThan(0.95 * 320);
  });

  test.each([
    [0.04, 1],
    [0.3, 2],
    [0.55, 3],
    [0.6, 4],
    [0.8, 5],
  ])('%d at random, then none: full speed within half a minute, seed %i', (share, seed) => {
    const server = shedding((nowMs) => (nowMs < 45_000 ? share : 0), seed);
    const report = run({ seed, server, latencyMs: 100, untilMs: 90_000 });
    expect(report.rate(75_000, 90_000)).toBeGreaterThan(0.95 * 320);
    if (share > 0.5) expect(report.rate(30_000, 45_000)).toBeLessThan(32);
  });
});

describe('step by step', () => {
  const good = { kind: 'good' } as const;
  const send = (state: Limiter, count: number, nowMs: number) =>
    Array.from({ length: count }, () => sent(state, nowMs));

  test('starts at 4, doubles in a round trip, never passes the maximum', () => {
    const state = createLimiter(10);
    for (const [round, expected] of [
      [0, 4],
      [1, 8],
      [2, 10],
      [3, 10],
    ] as const) {
      expect(allowed(state)).toBe(expected);
      for (const ticket of send(state, expected, round * 100)) answered(state, ticket, good, round * 100 + 100);
    }
    expect(allowed(createLimiter(2))).toBe(2);
  });

  test('one refusal changes nothing, whatever it asks to wait; nothing but refusals blocks until the time that is named', () => {
    const state = createLimiter(32);
    for (let round = 0; round < 6; round++) {
      for (const ticket of send(state, allowed(state), round * 100)) answered(state, ticket, good, round * 100 + 100);
    }
    const [lone] = send(state, 1, 700);
    if (lone === undefined) throw new Error('one was sent');
    answered(state, lone, { kind: 'refused', waitMs: 60_000 }, 710);
    expect(allowed(state)).toBe(32);
    expect(asked(state, 710)).toBe(0);
    let nowMs = 800;
    while (state.state !== 'blocked') {
      for (const ticket of send(state, 1, nowMs)) answered(state, ticket, { kind: 'refused', waitMs: 5_000 }, nowMs);
      nowMs++;
    }
    expect(nowMs).toBeLessThan(830);
    expect(allowed(state)).toBe(1);
    expect(asked(state, nowMs)).toBe(4_999);
    for (const ticket of send(state, 1, nowMs + 5_000)) {
      answered(state, ticket, { kind: 'refused', waitMs: 3_600_000 }, nowMs + 5_000);
    }
    // Two minutes at most.
    expect(asked(state, nowMs + 5_000)).toBe(120_000);
    for (const ticket of send(state, 1, nowMs + 200_000)) answered(state, ticket, good, nowMs + 200_000);
    expect(state.state).toBe('slower');
    expect(allowed(state)).toBeGreaterThan(3);
  });

  test('5xx and lost connections neither raise nor lower the limit', () => {
    const state = createLimiter(32);
    for (const ticket of send(state, 4, 0)) answered(state, ticket, { kind: 'failed' }, 100);
    expect(allowed(state)).toBe(4);
    expect(state.inFlight).toBe(0);
  });

  test('whatever happens, one may always be sent in the end, and never more than the maximum at once', () => {
    const left = fc.option(fc.nat(3), { nil: undefined });
    const wait = fc.option(fc.nat(1e7), { nil: undefined });
    const ending = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('good' as const), remaining: left }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('refused' as const), waitMs: wait }) },
      fc.constant({ kind: 'failed' as const }),
    );
    const step = fc.record({ ending, tookMs: fc.nat(3_000), isFirst: fc.boolean() });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 300 }), (most, steps) => {
        const state = createLimiter(most);
        const inFlight: ReturnType<typeof sent>[] = [];
        let nowMs = 0;
        for (const { ending: how, tookMs, isFirst } of steps) {
          for (let ms = asked(state, nowMs); ms !== Number.POSITIVE_INFINITY; ms = asked(state, nowMs)) {
            expect(ms).toBeLessThanOrEqual(120_000);
            // Not all that may be sent is wanted at once.
            if (ms > 0 && inFlight.length > 0) break;
            nowMs += Math.max(0, Math.ceil(ms));
            if (ms <= 0) inFlight.push(sent(state, nowMs));
          }
          expect(inFlight.length).toBeGreaterThan(0);
          expect(inFlight.length).toBeLessThanOrEqual(most);
          const ticket = isFirst ? inFlight.shift() : inFlight.pop();
          nowMs += tookMs;
          if (ticket !== undefined) answered(state, ticket, how, nowMs);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('what is remembered is bounded by a few seconds of requests', () => {
    const state = createLimiter(32);
    for (let ms = 0; ms < 60_000; ms++) answered(state, sent(state, ms), good, ms + 0.5);
    expect(state.pace.tickets.length).toBeLessThan(5_000);
    expect(state.pace.inSecond).toBeLessThanOrEqual(1_010);
  });
});
