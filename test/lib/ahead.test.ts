// Work begun ahead: in order, within its bound, and over when the stream is. Every wait here is a promise that the test
// resolves. A rejection that nobody handles fails the run: vitest reports it.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mapAhead } from '../../src/lib/ahead.ts';

/** A source that says what was asked of it, and whether it was closed. */
function createSource(count: number, { failAt = Number.POSITIVE_INFINITY } = {}) {
  const seen = { pulled: 0, closed: false };
  const source = (async function* () {
    try {
      for (let value = 0; value < count; value++) {
        seen.pulled += 1;
        if (value === failAt) throw new Error(`the source failed at ${value}`);
        yield value;
      }
    } finally {
      seen.closed = true;
    }
  })();
  return { source, seen };
}

/** A mapper whose results come when the test says so. */
function createMapper() {
  const begun: PromiseWithResolvers<number>[] = [];
  const map = (_value: number) => {
    const each = Promise.withResolvers<number>();
    begun.push(each);
    return each.promise;
  };
  return { begun, map };
}

/** Lets everything run that waits for nothing but its turn. */
const turns = () => new Promise<void>((resolve) => setImmediate(resolve));

async function collect<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const all: Value[] = [];
  for await (const value of values) all.push(value);
  return all;
}

describe('mapAhead', () => {
  test('results keep the order of the source, whichever is ready first, and no more than the bound are begun', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat(12), fc.integer({ min: 1, max: 6 }), async (scheduler, count, most) => {
        let running = 0;
        let largest = 0;
        const map = async (value: number) => {
          running += 1;
          largest = Math.max(largest, running);
          await scheduler.schedule(Promise.resolve());
          running -= 1;
          return value * 10;
        };
        const { source, seen } = createSource(count);
        const results = await scheduler.waitFor(collect(mapAhead(source, most, map)));
        expect(results).toEqual(Array.from({ length: count }, (_, at) => at * 10));
        expect(largest).toBe(Math.min(most, count));
        expect(seen.closed).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('the bound counts what the consumer is still busy with', async () => {
    const { source, seen } = createSource(10);
    const { begun, map } = createMapper();
    const results = mapAhead(source, 3, map);
    const first = results.next();
    await turns();
    expect([begun.length, seen.pulled]).toEqual([3, 3]);
    begun[0]?.resolve(0);
    expect(await first).toEqual({ done: false, value: 0 });
    await turns();
    expect(begun).toHaveLength(3);
    const second = results.next();
    await turns();
    expect(begun).toHaveLength(4);
    for (const each of begun) each.resolve(1);
    await second;
    await results.return();
  });

  test('nothing is begun before the first result is asked for', async () => {
    const { source, seen } = createSource(3);
    const results = mapAhead(source, 3, async (value) => value);
    await turns();
    expect(seen.pulled).toBe(0);
    await results.return();
  });

  test('an empty source ends at once', async () => {
    expect(await collect(mapAhead(createSource(0).source, 3, async (value) => value))).toEqual([]);
  });

  test('undefined is a result like any other', async () => {
    expect(await collect(mapAhead(createSource(3).source, 2, async () => undefined))).toEqual(
      Array.from({ length: 3 }, () => undefined),
    );
  });

  test('a result that fails comes in its turn, after those before it', async () => {
    const { source, seen } = createSource(5);
    const { begun, map } = createMapper();
    const results = mapAhead(source, 3, map);
    const first = results.next();
    await turns();
    begun[1]?.reject(new Error('second'));
    await turns();
    begun[0]?.resolve(0);
    expect((await first).value).toBe(0);
    const second = results.next();
    await turns();
    for (const each of begun.slice(2)) each.resolve(0);
    await expect(second).rejects.toThrow('second');
    expect(seen.closed).toBe(true);
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  test('a result that fails is told only once everything begun is over, whatever became of it', async () => {
    const { source } = createSource(5);
    const { begun, map } = createMapper();
    let told = false;
    const first = mapAhead(source, 3, map).next();
    const failure = expect(first.finally(() => (told = true))).rejects.toThrow('first');
    await turns();
    begun[0]?.reject(new Error('first'));
    begun[1]?.reject(new Error('never seen'));
    await turns();
    expect(told).toBe(false);
    begun[2]?.resolve(0);
    await failure;
    expect(begun).toHaveLength(3);
  });

  test('a mapper that throws rather than rejects ends the stream like a failing source', async () => {
    const { source, seen } = createSource(5);
    const results = mapAhead(source, 3, (value) => {
      if (value === 1) throw new Error('thrown');
      return Promise.resolve(value);
    });
    expect((await results.next()).value).toBe(0);
    await expect(results.next()).rejects.toThrow('thrown');
    expect(seen).toEqual({ pulled: 2, closed: true });
  });

  test('a source that fails is told after the results of what it gave', async () => {
    const { source, seen } = createSource(5, { failAt: 2 });
    const { begun, map } = createMapper();
    const results = mapAhead(source, 4, map);
    const first = results.next();
    await turns();
    expect(seen).toEqual({ pulled: 3, closed: true });
    begun[0]?.resolve(0);
    begun[1]?.resolve(1);
    expect((await first).value).toBe(0);
    expect((await results.next()).value).toBe(1);
    await expect(results.next()).rejects.toThrow('the source failed at 2');
  });

  test('a consumer that stops waits for what was begun, closes the source, and begins nothing more', async () => {
    const { source, seen } = createSource(10);
    const { begun, map } = createMapper();
    const results = mapAhead(source, 3, map);
    const first = results.next();
    await turns();
    begun[0]?.resolve(0);
    await first;
    let stopped = false;
    const stopping = results.return().then(() => (stopped = true));
    await turns();
    expect(stopped).toBe(false);
    begun[1]?.reject(new Error('never seen'));
    await turns();
    expect(stopped).toBe(false);
    begun[2]?.resolve(2);
    await stopping;
    expect(begun).toHaveLength(3);
    expect(seen).toEqual({ pulled: 3, closed: true });
  });

  test('a consumer that stops while the source is at work waits for it, and has nothing more mapped', async () => {
    const gate = Promise.withResolvers<void>();
    let closed = false;
    const source = (async function* () {
      try {
        yield 0;
        await gate.promise;
        yield 1;
      } finally {
        closed = true;
      }
    })();
    const mapped: number[] = [];
    const results = mapAhead(source, 3, async (value) => mapped.push(value));
    await results.next();
    const stopping = results.return();
    await turns();
    expect(closed).toBe(false);
    gate.resolve();
    await stopping;
    expect({ closed, mapped }).toEqual({ closed: true, mapped: [0] });
  });

  test('a source that fails after the consumer has stopped troubles nobody', async () => {
    const gate = Promise.withResolvers<void>();
    const source = (async function* () {
      yield 0;
      await gate.promise;
    })();
    const results = mapAhead(source, 3, async (value) => value);
    await results.next();
    const stopping = results.return();
    gate.reject(new Error('late'));
    expect(await stopping).toEqual({ done: true, value: undefined });
    await turns();
  });

  test('whatever fails, and wherever the consumer stops: nothing runs on, and the source is closed', async () => {
    const plan = fc.record({
      count: fc.nat(8),
      most: fc.integer({ min: 1, max: 4 }),
      failing: fc.uniqueArray(fc.nat(8)),
      sourceFailsAt: fc.oneof(fc.constant(99), fc.nat(8)),
      stopAfter: fc.oneof(fc.constant(99), fc.nat(8)),
    });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plan, async (scheduler, { count, most, failing, sourceFailsAt, stopAfter }) => {
        const { source, seen } = createSource(count, { failAt: sourceFailsAt });
        let running = 0;
        const taken: number[] = [];
        const consume = async () => {
          const results = mapAhead(source, most, async (value) => {
            running += 1;
            await scheduler.schedule(Promise.resolve());
            running -= 1;
            if (failing.includes(value)) throw new Error('the mapper failed');
            return value;
          });
          for await (const value of results) {
            taken.push(value);
            if (taken.length >= stopAfter) break;
          }
        };
        const ended = await scheduler.waitFor(consume().then(() => 'done' as const, String));
        const before = Array.from({ length: Math.min(count, sourceFailsAt) }, (_, at) => at);
        const bad = before.findIndex((value) => failing.includes(value));
        const good = bad === -1 ? before : before.slice(0, bad);
        // At least one is taken before a consumer can stop.
        expect(taken).toEqual(good.slice(0, Math.max(1, stopAfter)));
        const stopped = taken.length > 0 && taken.length >= stopAfter;
        const expected = stopped
          ? 'done'
          : bad !== -1
            ? 'Error: the mapper failed'
            : sourceFailsAt < count
              ? `Error: the source failed at ${sourceFailsAt}`
              : 'done';
        expect(ended).toBe(expected);
        expect(running).toBe(0);
        expect(seen.closed || seen.pulled === 0).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
