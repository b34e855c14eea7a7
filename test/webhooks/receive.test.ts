// What becomes of a webhook's body: when it counts as taken, and what is committed together.

import { describe, expect, test } from 'vitest';
import { createReceiver, type ReceiverOptions } from '../../src/webhooks/receive.ts';

const accountSid = `AC${'a'.repeat(32)}`;
const bodyOf = (conversationId: string, ...results: string[]) =>
  Buffer.from(JSON.stringify({ conversationId, operatorResults: results.map((id) => ({ id })) }));

function open(options: Partial<ReceiverOptions> = {}) {
  const commits: { pushes: { conversationId: string; resultIds: string[] }[]; count: number }[] = [];
  const clock = { nowMs: 0 };
  const told = { committed: 0, failed: 0 };
  const receiver = createReceiver({
    accountSid,
    put: async (pushes, count) => void commits.push({ pushes, count }),
    onCommitted() {
      told.committed += 1;
    },
    onFailed() {
      told.failed += 1;
    },
    monotonicMs: () => clock.nowMs,
    ...options,
  });
  return { receiver, commits, clock, told };
}

test('is taken once it is committed', async () => {
  const gate = Promise.withResolvers<void>();
  const { receiver, told } = open({ put: () => gate.promise });
  let outcome: string | undefined;
  const receiving = receiver.receive(bodyOf('a')).then((found) => {
    outcome = found;
  });
  await Promise.resolve();
  expect([outcome, told.committed]).toEqual([undefined, 0]);
  gate.resolve();
  await receiving;
  expect([outcome, told.committed]).toEqual(['taken', 1]);
});

test('those that come during a commit are in the next together, each conversation once with all its results', async () => {
  const gate = Promise.withResolvers<void>();
  const commits: unknown[] = [];
  const { receiver } = open({
    async put(pushes, count) {
      commits.push({ pushes, count });
      if (commits.length === 1) await gate.promise;
    },
  });
  const all = [bodyOf('a'), bodyOf('b', 'r1'), bodyOf('c'), bodyOf('b', 'r1', 'r2')].map(receiver.receive);
  gate.resolve();
  expect(await Promise.all(all)).toEqual(['taken', 'taken', 'taken', 'taken']);
  expect(commits).toEqual([
    { pushes: [{ conversationId: 'a', resultIds: [] }], count: 1 },
    {
      pushes: [
        { conversationId: 'b', resultIds: ['r1', 'r2'] },
        { conversationId: 'c', resultIds: [] },
      ],
      count: 3,
    },
  ]);
});

describe('the same body again', () => {
  test('is nothing new within a minute', async () => {
    const { receiver, commits, clock } = open();
    expect(await receiver.receive(bodyOf('a'))).toBe('taken');
    clock.nowMs = 59_999;
    expect(await receiver.receive(bodyOf('a'))).toBe('repeated');
    expect(await receiver.receive(bodyOf('a', 'r1'))).toBe('taken');
    expect(commits).toHaveLength(2);
    clock.nowMs = 60_000;
    expect(await receiver.receive(bodyOf('a'))).toBe('taken');
  });

  test('waits for the commit of the first', async () => {
    const gate = Promise.withResolvers<void>();
    const { receiver } = open({ put: () => gate.promise });
    const all = Promise.all([receiver.receive(bodyOf('a')), receiver.receive(bodyOf('a'))]);
    gate.resolve();
    expect(await all).toEqual(['taken', 'repeated']);
  });

  test('is tried again if the first could not be committed', async () => {
    let isDown = true;
    const { receiver, told } = open({
      async put() {
        if (isDown) throw new Error('down');
      },
    });
    expect(await receiver.receive(bodyOf('a'))).toBe('unavailable');
    expect(told).toEqual({ committed: 0, failed: 1 });
    isDown = false;
    expect(await receiver.receive(bodyOf('a'))).toBe('taken');
  });
});

test('is unavailable where the commit takes too long; if it succeeds later, the same again is a repeat', async () => {
  const gate = Promise.withResolvers<void>();
  const { receiver } = open({ put: () => gate.promise, commitMs: 1 });
  expect(await receiver.receive(bodyOf('a'))).toBe('unavailable');
  gate.resolve();
  await gate.promise;
  expect(await receiver.receive(bodyOf('a'))).toBe('repeated');
});

test('what says nothing, or is of another account, is passed over', async () => {
  const { receiver, commits } = open();
  expect(await receiver.receive(Buffer.from('{}'))).toBe('unknown');
  const other = JSON.stringify({ conversationId: 'a', accountId: `AC${'b'.repeat(32)}` });
  expect(await receiver.receive(Buffer.from(other))).toBe('other_account');
  expect(commits).toEqual([]);
});
