// Killed at random moments, again and again, until a run comes to its end: each start goes on from where the last one was.

import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createRandom } from '../../src/lib/random.ts';
import { Scene, Take } from './scene.ts';

const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000);
const rounds = process.env['CRASH_POINTS'] === 'all' ? 10 : 1;

test(`SIGKILL at random moments (seed ${seed}: CRASH_SEED)`, { timeout: rounds * 600_000 }, async () => {
  for (let round = 0; round < rounds; round += 1) {
    const random = createRandom(seed, round);
    await using scene = await Scene.first(100);
    await using take = await Take.open(scene);
    const calls = () => [...take.fetched.values()].reduce((sum, times) => sum + times, 0);
    let kills = 0;
    for (let code: number | null = null; code !== 0; ) {
      await take.mend();
      expect(await take.halves()).toEqual([]);
      const stored = await take.storedDetails();
      const before = new Map(take.fetched);
      const first = Promise.withResolvers<void>();
      take.toDatabase.reset({ onAsked: () => first.resolve() });
      const running = await take.start();
      await Promise.race([first.promise, running.ended]);
      // The moment is what is random here; later and later, so that it ends at all, also where everything takes long.
      const over = new AbortController();
      void wait(random.int(0, Math.round(400 * 1.2 ** kills)), null, { signal: over.signal }).then(
        () => running.kill('SIGKILL'),
        () => {},
      );
      const ended = await running.ended;
      over.abort();
      code = ended.code;
      if (code === null) kills += 1;
      else expect({ code, output: ended.output }).toMatchObject({ code: 0 });
      const again = [...stored.keys()].filter((id) => take.fetched.get(id) !== before.get(id));
      expect({ kills, again }).toEqual({ kills, again: [] });
    }
    expect(await take.differences()).toEqual([]);
    process.stdout.write(`seed ${seed}, round ${round}: ${kills} kills, ${calls()} details fetched of 100\n`);
  }
});
