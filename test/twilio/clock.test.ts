// What the API's answers say of the time, and what of it is believed: three that agree, then all that are near, and one that
// is far off never.

import { expect, test } from 'vitest';
import { createApiClock } from '../../src/twilio/clock.ts';

const noon = Date.UTC(2026, 0, 15, 12) / 1000;
const day = 86_400;

/** A clock whose API is at noon when the monotonic one is at 0. */
function clockAt() {
  let elapsedMs = 0;
  const clock = createApiClock(() => elapsedMs);
  return {
    clock,
    /** An answer whose Date is so many seconds off. */
    hear(offSeconds = 0, age?: string) {
      clock.see(new Date((noon + offSeconds) * 1000 + elapsedMs).toUTCString(), age);
    },
    pass(seconds: number) {
      elapsedMs += seconds * 1000;
    },
    /** By how many seconds the clock is off; undefined where it has none. */
    off() {
      const now = clock.now();
      return now === undefined ? undefined : Math.round(now - noon - elapsedMs / 1000);
    },
  };
}

test.each<[string, number[], number | undefined]>([
  ['one answer', [0], undefined],
  ['two', [0, 0], undefined],
  ['three that agree', [0, 0, 0], 0],
  ['three within a minute', [-30, 30, 0], 0],
  ['three that lie further apart', [-31, 0, 31], undefined],
  ['three that agree beside two that do not', [day, 0, -day, 0, 0], 0],
  ['the first of which is a day ahead', [day, 0, 0], undefined],
])('%s', (_what, offs, expected) => {
  const { hear, off } = clockAt();
  for (const each of offs) hear(each);
  expect(off()).toBe(expected);
});

test('what comes out of a cache, has no Date or cannot be read tells nothing', () => {
  const { clock, hear, off } = clockAt();
  for (let time = 0; time < 5; time += 1) hear(0, '600');
  clock.see(undefined);
  clock.see('yesterday');
  expect(off()).toBeUndefined();
  expect(clock.state()).toEqual({ settled: false, disputed: [], cached: true });
  for (let time = 0; time < 3; time += 1) hear(0, '0');
  expect(off()).toBe(0);
});

test('goes on by the monotonic clock, and with every answer that is near', () => {
  const { hear, pass, off } = clockAt();
  for (let time = 0; time < 3; time += 1) hear();
  pass(day);
  expect(off()).toBe(0);
  hear(50);
  expect(off()).toBe(50);
  hear(-5);
  expect(off()).toBe(-5);
});

test('an answer that is far off moves nothing, whichever way, and the next that is near is believed', () => {
  const { clock, hear, off } = clockAt();
  for (let time = 0; time < 3; time += 1) hear();
  for (const far of [day, 61, -61, -day]) {
    hear(far);
    expect(off()).toBe(0);
    expect(clock.state().settled).toBe(false);
    expect(clock.state().disputed.map((time) => Math.round(time - noon))).toEqual([far]);
    hear(1);
    hear(0);
    expect(clock.state().settled).toBe(true);
  }
});

test('ten in a row that agree among themselves move it: the machine was suspended', () => {
  const { clock, hear, off } = clockAt();
  for (let time = 0; time < 3; time += 1) hear();
  for (let time = 0; time < 9; time += 1) hear(8 * 3600);
  expect(off()).toBe(0);
  hear(8 * 3600);
  expect(off()).toBe(8 * 3600);
  expect(clock.state()).toMatchObject({ settled: true, disputed: [] });
});

test.each<[string, number]>([
  ['one that agrees with the old time', 0],
  ['one that agrees with neither', 3 * day],
])('%s between them begins the count anew', (_what, between) => {
  const { hear, off } = clockAt();
  for (let time = 0; time < 3; time += 1) hear();
  for (let time = 0; time < 9; time += 1) hear(day);
  hear(between);
  for (let time = 0; time < 9; time += 1) hear(day);
  expect(off()).toBe(0);
  hear(day);
  expect(off()).toBe(day);
});
