// How much is held at once: no request starts while 24 MB of bodies wait or are on their way, and nobody waits for ever.

import { expect, test } from 'vitest';
import { createFetcher } from '../../src/sync/details.ts';
import type { Fetch, Outcome } from '../../src/sync/model.ts';
import { roomOf } from '../../src/sync/room.ts';
import { decodeDetail } from '../../src/twilio/decode.ts';
import { contextOf } from './context.ts';

const megabyte = 1_000_000;
const turns = () => new Promise<void>((resolve) => setImmediate(resolve));
const fetchOf = (id: string): Fetch => ({ id, item: null, due: [], stored: false });

function found(id: string, bytes: number): Outcome {
  return { kind: 'found', detail: decodeDetail('GET detail', id, { id, createdAt: '2026-05-28T20:00:00Z' }), bytes };
}

/** A fetcher over an API whose details are of this many bytes, and what was asked of it. */
function fetcherOf(bytes: number, signal = new AbortController().signal) {
  const asked: [id: string, limit: number][] = [];
  const context = contextOf({
    api: {
      async detail(id, limit) {
        asked.push([id, limit]);
        return id === 'gone' ? { kind: 'gone' } : found(id, bytes);
      },
    },
  });
  return { fetcher: createFetcher(context, signal), asked, context };
}

test('a request waits until there is room, and goes on when what was fetched is stored', async () => {
  const { fetcher, asked, context } = fetcherOf(12 * megabyte);
  await fetcher.fetch(fetchOf('a'));
  const { bytes } = await fetcher.fetch(fetchOf('b'));
  expect(bytes).toBe(12 * megabyte);
  const waiting = [fetcher.fetch(fetchOf('c')), fetcher.fetch(fetchOf('d'))];
  await turns();
  expect(asked).toHaveLength(2);
  expect(context.counts.fetched).toBe(2);
  fetcher.release(2 * bytes);
  await Promise.all(waiting);
  expect(asked.map(([id]) => id)).toEqual(['a', 'b', 'c', 'd']);
});

test.each([
  ['before any was there, a few at once are enough', 0, 4],
  ['what is on its way counts as what came last', 100, 6],
])('%s', async (_what, before, most) => {
  const large = 4 * megabyte;
  let hold: Promise<void> | undefined;
  const asked: string[] = [];
  const context = contextOf({
    api: {
      async detail(id) {
        asked.push(id);
        await hold;
        return found(id, large);
      },
    },
  });
  const fetcher = createFetcher(context, new AbortController().signal);
  for (let count = 0; count < before; count++) fetcher.release((await fetcher.fetch(fetchOf('small'))).bytes);
  const { promise, resolve } = Promise.withResolvers<void>();
  hold = promise;
  asked.length = 0;
  const all = Array.from({ length: 20 }, (_, at) => fetcher.fetch(fetchOf(String(at))));
  for (let count = 0; count < 100; count++) await turns();
  expect(asked.length).toBe(most);
  resolve();
  for (const each of all) fetcher.release((await each).bytes);
  expect(asked).toHaveLength(20);
});

test('an answer has the number of the request that was answered, not of the first that was sent for it', async () => {
  const sends: (() => void)[] = [];
  const context = contextOf({
    api: {
      detail(id, _limit, _signal, { onSend = () => {} } = {}) {
        onSend();
        sends.push(onSend);
        const { promise, resolve } = Promise.withResolvers<Outcome>();
        sends.push(() => resolve(found(id, 1)));
        return promise;
      },
    },
  });
  const fetcher = createFetcher(context, new AbortController().signal);
  const both = [fetcher.fetch(fetchOf('a')), fetcher.fetch(fetchOf('a'))];
  await turns();
  const [repeatFirst, answerFirst, , answerSecond] = sends;
  repeatFirst?.();
  answerFirst?.();
  answerSecond?.();
  const [first, second] = await Promise.all(both);
  expect(first?.request).toBeGreaterThan(second?.request ?? Number.POSITIVE_INFINITY);
});

test('what is not found takes no room', async () => {
  const { fetcher, asked } = fetcherOf(64 * megabyte);
  for (let count = 0; count < 3; count++) expect((await fetcher.fetch(fetchOf('gone'))).bytes).toBe(0);
  expect(asked).toHaveLength(3);
});

test.each([
  [Number.POSITIVE_INFINITY, 24, 8, 64],
  [1024, 24, 8, 64],
  [512, 24, 8, 46],
  [256, 24, 8, 14],
  [192, 12, 4, 6],
  [128, 4, 1.3, 4],
  [64, 4, 1.3, 4],
])(
  'of %d MB of memory, %d MB of bodies are held; %d MB is usual, and %d MB the most for one',
  (limit, ...megabytes) => {
    const { heldBytes, usualBytes, maxBytes } = roomOf(limit * megabyte);
    expect([heldBytes, usualBytes, maxBytes].map((bytes) => Math.round(bytes / 100_000) / 10)).toEqual(megabytes);
  },
);

test('what was too large counts as large for those that follow', async () => {
  const asked: string[] = [];
  let hold: Promise<void> | undefined;
  const context = contextOf({
    api: {
      async detail(id) {
        asked.push(id);
        await hold;
        return { kind: 'tooLarge' };
      },
    },
  });
  const fetcher = createFetcher(context, new AbortController().signal);
  await fetcher.fetch(fetchOf('first'));
  const { promise, resolve } = Promise.withResolvers<void>();
  hold = promise;
  asked.length = 0;
  const all = Array.from({ length: 20 }, (_, at) => fetcher.fetch(fetchOf(String(at))));
  for (let count = 0; count < 100; count++) await turns();
  expect(asked).toHaveLength(3);
  resolve();
  await Promise.all(all);
});

test('one fetched alone may be of 64 MB, and others wait for it', async () => {
  const { fetcher, asked } = fetcherOf(64 * megabyte);
  const alone = fetcher.fetchAlone(fetchOf('large'));
  const other = fetcher.fetch(fetchOf('other'));
  const { bytes } = await alone;
  await turns();
  expect(asked).toEqual([['large', 64 * megabyte]]);
  fetcher.release(bytes);
  await other;
  expect(asked[1]).toEqual(['other', 8 * megabyte]);
});

test('a wait for room ends with the signal, and no request is made', async () => {
  const controller = new AbortController();
  const { fetcher, asked } = fetcherOf(64 * megabyte, controller.signal);
  await fetcher.fetch(fetchOf('a'));
  const waiting = [fetcher.fetch(fetchOf('b')), fetcher.fetch(fetchOf('c'))];
  controller.abort(new Error('told to end'));
  expect(await Promise.allSettled(waiting)).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
  await expect(fetcher.fetch(fetchOf('d'))).rejects.toThrow('told to end');
  expect(asked).toHaveLength(1);
});
