// The governor's runtime: who is let in, when, and in what order; aborted waiters leave no trace.

import { expect, test } from 'vitest';
import { createGovernor, type Finish } from '../../src/twilio/governor.ts';
import { createVirtualTime, settle } from './virtual-time.ts';

const never = new AbortController().signal;

function start(maxConcurrency: number) {
  const time = createVirtualTime();
  const governor = createGovernor({ maxConcurrency, ...time });
  const entered: string[] = [];
  const enter = async (name: string, again = false, signal = never, isUrgent = false): Promise<Finish> => {
    const leave = await governor.enter(signal, again, isUrgent);
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

test('urgent ones go before others, but each second place is for the others; retries go first', async () => {
  const { entered, enter } = start(1);
  const leave = await enter('a');
  const pass = async (...given: Parameters<typeof enter>) => (await enter(...given))({ kind: 'good' });
  const waiting = [
    pass('b'),
    pass('c'),
    pass('urgent 1', false, never, true),
    pass('urgent 2', false, never, true),
    pass('urgent 3', false, never, true),
    pass('a again', true),
    pass('urgent again', true, never, true),
  ];
  leave({ kind: 'good' });
  await Promise.all(waiting);
  expect(entered.slice(1)).toEqual(['a again', 'urgent again', 'urgent 1', 'b', 'urgent 2', 'c', 'urgent 3']);
});

/** Refuses one after the other, with this wait, until one is not let in for over a second; that one is given up. */
async function refuseUntilHeld({ time, governor }: ReturnType<typeof start>, waitMs: number) {
  for (;;) {
    const control = new AbortController();
    const entering = governor.enter(control.signal, false);
    await time.advance(1_100);
    control.abort(new Error('held'));
    const leave = await entering.catch(() => undefined);
    if (leave === undefined) return;
    leave({ kind: 'refused', waitMs });
  }
}

test('where everything is refused, all wait as long as the server asks, and one goes first, by the clock', async () => {
  const started = start(8);
  const { time, entered, enter } = started;
  await refuseUntilHeld(started, 5_000);
  void enter('first');
  void enter('again', true);
  await time.advance(3_899);
  expect(entered).toEqual([]);
  await time.advance(1);
  expect(entered).toEqual(['again']);
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
    const started = start(8);
    const { time, governor, enter } = started;
    const control = new AbortController();
    await refuseUntilHeld(started, 100_000);
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
