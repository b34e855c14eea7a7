// Whether the worker gets on: what counts as silence.

import { expect, test } from 'vitest';
import { wait } from '../../src/lib/wait.ts';
import { createHeartbeat } from '../../src/status/heartbeat.ts';

test('silence beyond the limit is trouble, and a beat ends it', () => {
  let now = 0;
  const heartbeat = createHeartbeat(1_000, () => now);
  now = 1_000;
  expect(heartbeat.trouble()).toBe(undefined);
  now = 1_001;
  expect(heartbeat.trouble()).toBe('the worker has done nothing for 1 s');
  heartbeat.beat();
  expect(heartbeat.trouble()).toBe(undefined);
});

test('work that takes longer than the limit beats until it ends', async () => {
  let now = 0;
  const heartbeat = createHeartbeat(1_000, () => now);
  const done = Promise.withResolvers<string>();
  const working = heartbeat.during(() => done.promise, 1);
  for (now = 2_000; now <= 600_000; now += 100_000) while (heartbeat.trouble() !== undefined) await wait(1);
  done.resolve('migrated');
  expect(await working).toBe('migrated');
  now = 700_000;
  await wait(5);
  expect(heartbeat.trouble()).toBeDefined();
});
