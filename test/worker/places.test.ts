// Which accounts a process works for: its share of them, tried one after the other, and given back where the share shrinks.

import { expect, test } from 'vitest';
import type { Place } from '../../src/worker/account.ts';
import { createPlaces, GivenBack } from '../../src/worker/places.ts';

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Places with a clock that a test moves, and who has got one. */
function world() {
  let nowMs = 0;
  const timers = new Map<() => void, number>();
  const got = new Map<string, Place>();
  const signal = new AbortController();
  const places = createPlaces({
    pauseMs: () => 2_000,
    now: () => nowMs,
    later(ms, work) {
      timers.set(work, nowMs + ms);
      return () => timers.delete(work);
    },
  });
  return {
    places,
    got,
    signal,
    enter: (...accounts: string[]) => {
      for (const account of accounts)
        places.enter(account, signal.signal).then(
          (place) => got.set(account, place),
          () => {},
        );
    },
    leave(account: string) {
      got.get(account)?.leave();
      got.delete(account);
    },
    async pass(ms: number) {
      nowMs += ms;
      for (const [work, atMs] of [...timers]) if (atMs <= nowMs && timers.delete(work)) work();
      await settled();
    },
  };
}

test('as many as the share, in the order in which they came', async () => {
  const { places, got, enter, leave, signal } = world();
  enter('a', 'b', 'c', 'd');
  await settled();
  expect([...got.keys()]).toEqual([]);
  places.setShare(2);
  await settled();
  expect([[...got.keys()], places.isFull()]).toEqual([['a', 'b'], true]);
  leave('a');
  await settled();
  expect([...got.keys()]).toEqual(['b', 'c']);
  places.setShare(3);
  await settled();
  expect([...got.keys()]).toEqual(['b', 'c', 'd']);
  expect([...got.values()].map(({ signal }) => signal.aborted)).toEqual([false, false, false]);
  signal.abort(new Error('the end'));
});

test('one that another process holds is tried again after a pause, the others meanwhile', async () => {
  const { places, got, enter, leave, pass } = world();
  places.setShare(1);
  enter('a', 'b');
  await settled();
  leave('a');
  enter('a');
  await settled();
  expect([...got.keys()]).toEqual(['b']);
  leave('b');
  enter('b');
  await settled();
  expect([...got.keys()]).toEqual([]);
  await pass(1_999);
  expect([...got.keys()]).toEqual([]);
  await pass(1);
  expect([...got.keys()]).toEqual(['a']);
});

test('what is over the share is given back, what was taken last first, and counts until it is', async () => {
  const { places, got, enter, leave } = world();
  places.setShare(3);
  enter('a', 'b', 'c', 'd');
  await settled();
  places.setShare(1);
  places.setShare(1);
  const back = [...got].filter(([, { signal }]) => signal.aborted);
  expect(back.map(([account]) => account)).toEqual(['b', 'c']);
  expect(back[0]?.[1].signal.reason).toBeInstanceOf(GivenBack);
  leave('b');
  leave('c');
  await settled();
  expect([...got.keys()]).toEqual(['a']);
  expect(places.taken()).toBe(1);
});

test('whoever does not wait any more gets none', async () => {
  const { places, got, enter, signal } = world();
  enter('a', 'b');
  signal.abort(new Error('the end'));
  places.setShare(2);
  await settled();
  expect([[...got.keys()], places.taken()]).toEqual([[], 0]);
  await expect(places.enter('c', signal.signal)).rejects.toThrow('the end');
});
