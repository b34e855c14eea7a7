// The governor's runtime: who is let in, when, and in what order; aborted waiters leave no trace.

import { expect, test } from 'vitest';
import { createGovernor, type Leave } from '../../src/api/governor.ts';
import { createVirtualTime, settle } from './virtual-time.ts';

const never = new AbortController().signal;

function start(maxConcurrency: number) {
  const time = createVirtualTime();
  const governor = createGovernor({ maxConcurrency, ...time });
  const entered: string[] = [];
  const enter = async (name: string, again = false, signal = never): Promise<Leave> => {
    const leave = await governor.enter(signal, again);
    entered.push(name);
    return leave;
  };
  return { time, governor, entered, enter };
}

test('never more at once than the maximum; the next goes in when one leaves', async () => {
  const { governor, entered, enter } = start(2);
  const [first] = await Promise.all([enter('a'), enter('b')]);
  void enter('c');
  await settle();
  expect(entered).toEqual(['a', 'b']);
  expect(governor.inFlight).toBe(2);
  first?.({ kind: 'good' });
  first?.({ kind: 'good' });
  await settle();
  expect(entered).toEqual(['a', 'b', 'c']);
  expect(governor.inFlight).toBe(2);
});

test('one that was refused goes before those that have not been sent', async () => {
  const { entered, enter } = start(1);
  const leave = await enter('a');
  void enter('b');
  void enter('a again', true);
  leave({ kind: 'good' });
  await settle();
  expect(entered).toEqual(['a', 'a again']);
});

test('Retry-After holds all of them, by the clock', async () => {
  const { time, entered, enter } = start(8);
  const leave = await enter('a');
  leave({ kind: 'refused', retryAfterMs: 5_000 });
  void enter('b');
  void enter('a again', true);
  await time.advance(4_999);
  expect(entered).toEqual(['a']);
  await time.advance(1);
  expect(entered).toEqual(['a', 'a again', 'b']);
  expect(time.waiting()).toBe(0);
});

test('an aborted waiter rejects with the reason, and is not let in', async () => {
  const { governor, entered, enter } = start(1);
  const leave = await enter('a');
  const control = new AbortController();
  const waiting = enter('b', false, control.signal);
  void enter('c');
  control.abort(new Error('no longer wanted'));
  await expect(waiting).rejects.toThrow('no longer wanted');
  await expect(enter('d', false, control.signal)).rejects.toThrow('no longer wanted');
  leave({ kind: 'failed' });
  await settle();
  expect(entered).toEqual(['a', 'c']);
  expect(governor.inFlight).toBe(1);
});

test('no timer is left once nobody waits: all aborted, or closed', async () => {
  for (const end of ['abort', 'close'] as const) {
    const { time, governor, enter } = start(8);
    const control = new AbortController();
    const leaves = await Promise.all(Array.from({ length: 4 }, (_, at) => enter(`first ${at}`)));
    for (const leave of leaves) leave({ kind: 'refused', retryAfterMs: 100_000 });
    const waiting = ['b', 'c'].map((name) => enter(name, false, control.signal));
    await settle();
    expect(time.waiting()).toBe(1);
    if (end === 'abort') control.abort(new Error('over'));
    else governor.close(new Error('over'));
    for (const each of waiting) await expect(each).rejects.toThrow('over');
    await settle();
    expect(time.waiting()).toBe(0);
    if (end === 'close') await expect(enter('d')).rejects.toThrow('over');
  }
});

test('a maximum below 1 is refused', () => {
  expect(() => start(0)).toThrow(RangeError);
});
