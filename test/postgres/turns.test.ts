// Turns at the connections: nobody takes all of them, and nobody waits while one is free.

import { expect, test } from 'vitest';
import { connectionsFor, createTurns, mostConnections } from '../../src/postgres/turns.ts';

/** Takes so many turns of an account; `got` grows as they are given. */
function takeMany(turns: ReturnType<typeof createTurns>, account: string, count: number) {
  const got: (() => void)[] = [];
  for (let index = 0; index < count; index += 1) void turns.take(account).then((end) => got.push(end));
  return got;
}

/** Whatever was given is known after that. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test('a single account has all connections', async () => {
  const turns = createTurns();
  const got = takeMany(turns, 'a', 9);
  await settled();
  expect(got).toHaveLength(connectionsFor(1));
  got[0]?.();
  got[0]?.();
  await settled();
  expect(got).toHaveLength(connectionsFor(1) + 1);
});

test('of several, one that keeps its turns leaves the others enough', async () => {
  const turns = createTurns();
  turns.share(2);
  const stuck = takeMany(turns, 'a', 30);
  await settled();
  expect(stuck).toHaveLength(4);
  const others = takeMany(turns, 'b', 1);
  await settled();
  expect(others).toHaveLength(1);
});

test('those who wait take turns, however many turns each asks for', async () => {
  const turns = createTurns();
  turns.share(2);
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const got = new Map(names.map((name) => [name, takeMany(turns, name, 8)]));
  await settled();
  const count = (name: string) => got.get(name)?.length ?? 0;
  const total = () => names.reduce((sum, name) => sum + count(name), 0);
  expect(total()).toBe(connectionsFor(2));
  const before = Object.fromEntries(names.map((name) => [name, count(name)]));
  // As many again: those who wait have each had one before anybody has had a second.
  for (const ends of got.values()) for (const end of ends.slice()) end();
  await settled();
  for (const name of names) expect(count(name)).toBeGreaterThan(before[name] ?? 0);
});

test('more accounts share more connections, within what Postgres allows', () => {
  expect([1, 2, 50, 100, 1000].map(connectionsFor)).toEqual([5, 10, 15, mostConnections, mostConnections]);
});
