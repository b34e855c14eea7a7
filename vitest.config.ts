// Two projects, so that only tests that need a database wait for one: units, and what ends in .pg.test.ts or .e2e.test.ts.
// Those that take longest begin first, and one more than there are cores at a time: many of them wait for processes,
// leases and proxies rather than compute.

import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const withDatabase = ['test/**/*.pg.test.ts', 'test/**/*.e2e.test.ts'];
/** They only end what hangs: a busy machine takes many times what an idle one does. */
const limits = { testTimeout: 600_000, hookTimeout: 300_000 };

/** Vitest knows what took long the last time, but in a clean checkout only how large a file is. */
const longest = [
  'sync/history',
  'sync/results-whole',
  'bench/bench',
  'sync/switches',
  'chaos/chaos',
  'crash/database',
  'e2e/run',
  'crash/replicas',
  'crash/',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex((part) => moduleId.includes(`/test/${part}`));
      return at < 0 ? longest.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: withDatabase, ...limits } },
      { test: { name: 'database', include: withDatabase, globalSetup: ['test/database-server.ts'], ...limits } },
    ],
  },
});
