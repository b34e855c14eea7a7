// What there is to do, as steps: in which order, with what is known of each conversation, and when a pause comes.

import { expect, test } from 'vitest';
import type { Store } from '../../src/sync/context.ts';
import { algorithm } from '../../src/sync/fingerprint.ts';
import type { DueRow, Known } from '../../src/sync/model.ts';
import { dueSteps, fetchSteps, type Step } from '../../src/sync/pipeline.ts';
import { contextOf, now } from './context.ts';

const never = new AbortController().signal;
const turns = () => new Promise<void>((resolve) => setImmediate(resolve));

const due: DueRow = {
  id: 'a',
  reason: 'failed',
  dueAt: now,
  attempts: 1,
  firstAt: now,
  error: null,
  fingerprint: null,
  wants: null,
  createdFrom: null,
  number: 7,
  setAside: false,
};
const stored: Known = {
  stored: { item: 'i', detail: 'd', normalizer: 1, generation: 1, children: 0, algorithm, policy: '', updatedAt: null },
  due: [{ ...due, reason: 'missing', setAside: true }],
  forgotten: false,
};

/** A store in which these are due, one batch after the other. */
function storeOf(batches: string[][], known: [string, Known][] = []) {
  const asked: [now: number, limit: number][] = [];
  const store: Partial<Store> = {
    async findDue(at, limit) {
      asked.push([at, limit]);
      return batches.shift() ?? [];
    },
    known: async (ids) => new Map(known.filter(([id]) => ids.includes(id))),
  };
  return { context: contextOf({ store }), asked };
}

async function next(steps: AsyncGenerator<Step>): Promise<Step> {
  const { value, done } = await steps.next();
  if (done) throw new Error('there were no more steps');
  return value;
}

test('a step for each conversation, with what is known of it but for what a sweep has set aside', async () => {
  const { context } = storeOf(
    [],
    [
      ['a', { stored: null, due: [due], forgotten: false }],
      ['b', stored],
    ],
  );
  const steps = await Array.fromAsync(fetchSteps(context, ['a', 'b', 'c']));
  expect(steps).toEqual([
    { kind: 'fetch', fetch: { id: 'a', item: null, due: [due], stored: false } },
    { kind: 'fetch', fetch: { id: 'b', item: null, due: [], stored: true } },
    { kind: 'fetch', fetch: { id: 'c', item: null, due: [], stored: false } },
  ]);
});

test('nothing due: no step, and no pause', async () => {
  const { context, asked } = storeOf([]);
  expect(await Array.fromAsync(dueSteps(context, never))).toEqual([]);
  expect(asked.map(([at]) => at)).toEqual([now]);
});

test('what is due next is asked for only once what was due before is stored', async () => {
  const { context, asked } = storeOf([['a'], ['b']]);
  const steps = dueSteps(context, never);
  expect(await next(steps)).toMatchObject({ kind: 'fetch', fetch: { id: 'a' } });
  const pause = await next(steps);
  const second = next(steps);
  await turns();
  expect(asked).toHaveLength(1);
  if (pause.kind !== 'pause') throw new Error(`a ${pause.kind} came instead of a pause`);
  pause.resume();
  expect(await second).toMatchObject({ kind: 'fetch', fetch: { id: 'b' } });
  expect(asked).toHaveLength(2);
  await steps.return(undefined);
});

test('a pause that nobody ends is ended by the signal, with its reason', async () => {
  const controller = new AbortController();
  const steps = dueSteps(storeOf([['a']]).context, controller.signal);
  await next(steps);
  await next(steps);
  const waiting = steps.next();
  controller.abort(new Error('told to end'));
  await expect(waiting).rejects.toThrow('told to end');
});

test('a signal that came before its pause ends it too, and one that comes while nobody waits troubles nobody', async () => {
  const controller = new AbortController();
  const steps = dueSteps(storeOf([['a']]).context, controller.signal);
  await next(steps);
  controller.abort(new Error('told to end'));
  expect((await next(steps)).kind).toBe('pause');
  await turns();
  await expect(steps.next()).rejects.toThrow('told to end');
});
