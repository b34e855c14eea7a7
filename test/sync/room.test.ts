// The room that the accounts of a process share: each goes on, none takes it all, and what ends gives back what it had.

import { expect, test } from 'vitest';
import { createFetcher } from '../../src/sync/details.ts';
import type { Fetch, Outcome } from '../../src/sync/model.ts';
import { createRoom, type Room } from '../../src/sync/room.ts';
import { decodeDetail } from '../../src/twilio/decode.ts';
import { contextOf } from './context.ts';

const megabyte = 1_000_000;
const fetchOf = (id: string): Fetch => ({ id, item: null, due: [], stored: false });

/** All that can begin has begun after that. */
async function settled(): Promise<void> {
  for (let count = 0; count < 200; count++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** An account whose details are of so many bytes, and answered when a test says so. */
function accountIn(room: Room, bytes = megabyte) {
  const asked: string[] = [];
  let open = Promise.withResolvers<void>();
  const ended = new AbortController();
  const context = contextOf({
    api: {
      async detail(id): Promise<Outcome> {
        asked.push(id);
        await open.promise;
        const detail = decodeDetail('GET detail', id, { id, createdAt: '2026-05-28T20:00:00Z' });
        return { kind: 'found', detail, bytes };
      },
    },
  });
  context.share = room.join();
  const fetcher = createFetcher(context, ended.signal);
  return {
    asked,
    fetcher,
    share: context.share,
    ended,
    answer: () => open.resolve(),
    hold() {
      open = Promise.withResolvers();
    },
    fetchMany: (count: number) =>
      Array.from({ length: count }, async (_, at) => await fetcher.fetch(fetchOf(String(at)))),
  };
}

/** So that the likely size is known. */
async function warm(account: ReturnType<typeof accountIn>): Promise<void> {
  account.answer();
  for (let count = 0; count < 20; count++) {
    for (const one of account.fetchMany(1)) account.fetcher.release((await one).bytes);
  }
  account.hold();
  account.asked.length = 0;
}

test('of two accounts neither takes more than half of what the other leaves, and each goes on', async () => {
  const room = createRoom(24 * megabyte);
  const [busy, other] = [accountIn(room), accountIn(room)];
  await warm(busy);
  await warm(other);
  const first = busy.fetchMany(40);
  await settled();
  expect(busy.asked).toHaveLength(12);
  const second = other.fetchMany(40);
  await settled();
  expect(other.asked).toHaveLength(6);
  busy.answer();
  for (const one of first.slice(0, 12)) busy.fetcher.release((await one).bytes);
  other.answer();
  for (const each of [...first.slice(12), ...second]) {
    const fetched = await each;
    (first.includes(each) ? busy : other).fetcher.release(fetched.bytes);
  }
  expect([busy.asked.length, other.asked.length]).toEqual([40, 40]);
});

test('the 256 details that accounts together have on their way are shared evenly', async () => {
  const room = createRoom(24 * megabyte);
  const accounts = Array.from({ length: 20 }, () => accountIn(room, 10));
  for (const each of accounts) await warm(each);
  const fetching = accounts.map((each) => each.fetchMany(100));
  await settled();
  // A part for each, and one that is left.
  const part = Math.ceil(256 / 21);
  expect(accounts.map((each) => each.asked.length)).toEqual(accounts.map(() => part));
  for (const each of accounts) each.answer();
  for (const one of fetching.flat()) await one;
  expect(accounts.every((each) => each.asked.length === 100)).toBe(true);
});

test('with an accounts file, an account holds less of what is listed', () => {
  expect(createRoom(24 * megabyte).join().lists).toEqual({ largestPage: undefined, slices: 2 });
  expect(createRoom(24 * megabyte, { many: true }).join().lists).toEqual({ largestPage: 100, slices: 1 });
});

test('an account with nothing in flight may ask for a detail, whatever the others hold', async () => {
  const room = createRoom(24 * megabyte);
  const [busy, other] = [accountIn(room), accountIn(room)];
  // More than it may: it was larger than was likely.
  busy.share.take(200 * megabyte);
  const fetching = other.fetchMany(3);
  await settled();
  expect(other.asked).toHaveLength(1);
  other.answer();
  await Promise.all(fetching);
  expect(other.asked).toHaveLength(3);
});

test('a single account has all of it, also after another has left', async () => {
  const room = createRoom(24 * megabyte);
  const [only, gone] = [accountIn(room), accountIn(room)];
  gone.share.take(20 * megabyte);
  gone.share.leave();
  gone.share.leave();
  await warm(only);
  const fetching = only.fetchMany(40);
  await settled();
  expect(only.asked).toHaveLength(24);
  only.ended.abort(new Error('the end'));
  only.answer();
  await Promise.allSettled(fetching);
});

test('a pipeline that ends gives back what it held and what was on its way', async () => {
  const room = createRoom(24 * megabyte);
  const [ending, other] = [accountIn(room), accountIn(room)];
  await warm(other);
  const lost = ending.fetchMany(10);
  await settled();
  ending.ended.abort(new Error('the end'));
  ending.answer();
  await Promise.allSettled(lost);
  const fetching = other.fetchMany(40);
  await settled();
  expect(other.asked).toHaveLength(12);
  other.ended.abort(new Error('the end'));
  other.answer();
  await Promise.allSettled(fetching);
});

test('one account at a time fetches a body alone', async () => {
  const room = createRoom(24 * megabyte);
  const [one, other] = [accountIn(room), accountIn(room)];
  const first = one.fetcher.fetchAlone(fetchOf('large'));
  const second = other.fetcher.fetchAlone(fetchOf('large'));
  await settled();
  expect([one.asked.length, other.asked.length]).toEqual([1, 0]);
  one.answer();
  await first;
  await settled();
  expect(other.asked).toHaveLength(1);
  other.answer();
  await second;
});

test('what is remembered of open conversations is bounded in all accounts together', () => {
  const room = createRoom(24 * megabyte, { mostIds: 5 });
  const [one, other] = [room.join().remembered, room.join()];
  for (const id of ['a', 'b', 'c']) one.set(id, '1');
  for (const id of ['a', 'b', 'c']) other.remembered.set(id, '2');
  expect([[...one.keys()], [...other.remembered.keys()]]).toEqual([
    ['a', 'b', 'c'],
    ['a', 'b'],
  ]);
  one.set('a', '3');
  expect(one.get('a')).toBe('3');
  one.delete('b');
  one.delete('unknown');
  one.set('d', '1');
  one.set('e', '1');
  expect([...one.keys()]).toEqual(['a', 'c', 'd']);
  other.leave();
  one.set('e', '1');
  expect(one.get('e')).toBe('1');
});
