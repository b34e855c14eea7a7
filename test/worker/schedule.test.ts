// Cron: what is requested when. Ticks come from the test, but for node-cron's own idea of the next one.

import { describe, expect, test } from 'vitest';
import {
  isStale,
  openSchedule,
  type StartCron,
  spreadTicks,
  staleAfterMs,
  startCron,
} from '../../src/worker/schedule.ts';

test('each tick requests its own sweep, and none after the end', () => {
  const ticks = new Map<string, () => void>();
  const start: StartCron = (expression, tick) => {
    ticks.set(expression, tick);
    return { stop: () => ticks.delete(expression), next: () => undefined };
  };
  const requested: string[] = [];
  const expressions = { new: '* * * * *', reconcile: '0 3 * * *' };
  const schedule = openSchedule(expressions, (name) => requested.push(name), start);
  ticks.get('* * * * *')?.();
  ticks.get('0 3 * * *')?.();
  ticks.get('* * * * *')?.();
  expect(requested).toEqual(['new', 'reconcile', 'new']);
  schedule.close();
  expect(ticks.size).toBe(0);
});

test('a clock set back starts the ticks anew; one that is corrected a little, or set forward, does not', () => {
  const started: string[] = [];
  let running = 0;
  const start: StartCron = (expression) => {
    started.push(expression);
    running += 1;
    const stop = () => {
      running -= 1;
    };
    return { stop, next: () => undefined };
  };
  let offsetMs = 0;
  let look = () => {};
  let looking = true;
  const every = (_ms: number, given: () => void) => {
    look = given;
    return () => {
      looking = false;
    };
  };
  const schedule = openSchedule(
    { new: '* * * * *' },
    () => {},
    start,
    () => offsetMs,
    every,
  );
  for (const next of [-500, 3_600_000, 3_599_000]) {
    offsetMs = next;
    look();
  }
  expect(started).toHaveLength(1);
  offsetMs = 0;
  look();
  look();
  expect({ times: started.length, running }).toEqual({ times: 2, running: 1 });
  schedule.close();
  expect({ running, looking }).toEqual({ running: 0, looking: false });
});

test('node-cron counts in UTC', () => {
  const cron = startCron('30 3 * * *', () => {}, 'reconcile');
  try {
    expect(cron.next()?.toISOString()).toMatch(/T03:30:00\.000Z$/);
  } finally {
    cron.stop();
  }
});

test('an expression that is none is refused', () => {
  expect(() => openSchedule({ new: 'often' }, () => {})).toThrow();
});

describe('how old what each tick renews may become', () => {
  const minute = 60_000;
  const sixHours = 6 * 60 * minute;

  test('five minutes at least', () => {
    for (const expression of ['* * * * * *', '*/5 * * * * *', '* * * * *']) {
      expect(staleAfterMs(expression)).toBe(5 * minute);
    }
  });

  test('until the third tick from now', () => {
    // Renewed just before or just after a tick: two intervals and a bit, or nearly three.
    const every6h = staleAfterMs('0 */6 * * *');
    expect(every6h).toBeGreaterThan(2 * sixHours - minute);
    expect(every6h).toBeLessThanOrEqual(3 * sixHours);
  });

  test('with what the expression leaves out, once and not three times', () => {
    const twiceADay = staleAfterMs('0,5 3 * * *');
    expect(twiceADay).toBeGreaterThan(24 * 60 * minute - minute);
    expect(twiceADay).toBeLessThanOrEqual(48 * 60 * minute);
  });
});

describe('what each tick renews has become too old', () => {
  /** Renewed at the one instant, asked about at the other; 2 January 2026 is a Friday. */
  const stale = (expression: string, from: string, to: string) => {
    const toMs = Date.parse(`2026-01-${to}Z`);
    return isStale(expression, toMs - Date.parse(`2026-01-${from}Z`), toMs);
  };
  const office = '* 9-17 * * 1-5';

  test.each([
    ['* * * * *', '02T10:00:05', '02T10:05:05', false],
    ['* * * * *', '02T10:00:05', '02T10:05:06', true],
    ['*/10 * * * * *', '02T10:00:05', '02T10:05:05', false],
    ['*/10 * * * * *', '02T10:00:05', '02T10:05:06', true],
    ['*/30 * * * *', '02T10:00:05', '02T11:29:59', false],
    ['*/30 * * * *', '02T10:00:05', '02T11:30:00', true],
    ['0 3 * * *', '02T03:00:05', '05T02:59:59', false],
    ['0 3 * * *', '02T03:00:05', '05T03:00:00', true],
    ['30 15 3 * * *', '02T03:15:31', '05T03:15:30', true],
    [office, '02T17:59:05', '04T12:00:00', false],
    [office, '02T17:59:05', '05T09:01:59', false],
    [office, '02T17:59:05', '05T09:02:00', true],
    [office, '02T15:00:05', '02T15:05:05', false],
    [office, '02T15:00:05', '02T15:05:06', true],
  ])('%s: from %s to %s: %s', (expression, from, to, expected) => {
    expect(stale(expression, from, to)).toBe(expected);
  });
});

describe('the ticks of many accounts are spread', () => {
  /** Ticks of an expression, spread by this part; `delays`: how much later each comes. */
  function spread(part: number, expression: string, name: string) {
    const delays: number[] = [];
    const waiting = new Set<() => void>();
    let tick = () => {};
    let ticks = 0;
    const start: StartCron = (_expression, given) => {
      tick = given;
      return { stop() {}, next: () => new Date(0) };
    };
    const later = (ms: number, work: () => void) => {
      delays.push(ms);
      waiting.add(work);
      return () => waiting.delete(work);
    };
    const cron = spreadTicks(part, start, later)(
      expression,
      () => {
        ticks += 1;
      },
      name,
    );
    return { cron, delays, waiting, tick: () => tick(), ticks: () => ticks };
  }

  test.each([
    ['* * * * *', 'new', 30_000],
    ['*/15 * * * *', 'lookback', 30_000],
    // Never past the next tick.
    ['*/10 * * * * *', 'new', 5_000],
    ['0 3 * * *', 'reconcile', 1_800_000],
    ['*/20 * * * *', 'reconcile', 600_000],
    ['0,5 3 * * *', 'reconcile', 150_000],
  ])('%s of %s by half: %d ms', (expression, name, expected) => {
    const { cron, delays, tick } = spread(0.5, expression, name);
    tick();
    expect(delays).toEqual([expected]);
    expect(cron.next()?.getTime()).toBe(expected);
  });

  test('a tick comes when its time is over, and none after the end', () => {
    const { cron, waiting, tick, ticks } = spread(0.5, '* * * * *', 'new');
    tick();
    expect(ticks()).toBe(0);
    for (const work of waiting) work();
    expect(ticks()).toBe(1);
    tick();
    cron.stop();
    expect([...waiting]).toHaveLength(1);
  });

  test('those of a single account come on time', () => {
    const { delays, tick, ticks } = spread(0, '* * * * *', 'new');
    tick();
    expect([delays, ticks()]).toEqual([[], 1]);
  });
});
