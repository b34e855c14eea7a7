// A few seeds of chaos, and every scenario, as part of the tests. More: `npm run test:chaos -- --seeds 200`; that they can
// fail: `npm run test:bugs`.

import { describe, expect, test } from 'vitest';
import { play } from './run.ts';
import { scenarios } from './scenarios.ts';

describe('seeds', () => {
  test.each([4, 10, 13, 43])('seed %i ends equal to its source', async (seed) => {
    const { difference, timeline } = await play(seed);
    expect(difference, timeline.join('\n')).toBeNull();
  });
});

describe('scenarios', () => {
  test.each(Object.entries(scenarios))('%s', async (_name, scenario) => {
    expect(await scenario()).toBeNull();
  });
});
