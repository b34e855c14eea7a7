// A whole account with operator results in every odd form: all twelve tables equal to the source, for few requests.

import { expect, test } from 'vitest';
import { World } from '../world.ts';

/** `npm run test:history` takes all of them. */
const conversations = process.env['HISTORY_KINDS'] === 'all' ? 5000 : 1500;

test(`${conversations} conversations: all twelve tables are equal, and listing again writes nothing`, async () => {
  await using world = await World.open({ conversations, days: 60, results: true, wild: true });
  const count = world.source.results().length;
  expect(count).toBeGreaterThan(conversations * 1.6);
  await world.sync();
  const { resultList, result } = world.simulator.requests.byEndpoint;
  expect(resultList + result).toBeLessThanOrEqual(count / 900 + 10);
  expect((await world.allDifferences()).slice(0, 5)).toEqual([]);
  const written = await world.rowsWritten();
  world.simulator.requests.reset();
  await world.sync();
  const again = world.simulator.requests.byEndpoint;
  expect(again.resultList + again.result).toBeLessThanOrEqual(2);
  expect(await world.rowsWritten()).toBe(written);
});
