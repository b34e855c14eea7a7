// Two projects, so that only tests that need a database wait for one: units, and what ends in .pg.test.ts or .e2e.test.ts.

import { defineConfig } from 'vitest/config';

const withDatabase = ['test/**/*.pg.test.ts', 'test/**/*.e2e.test.ts'];
const limits = { testTimeout: 180_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: withDatabase, ...limits } },
      { test: { name: 'database', include: withDatabase, globalSetup: ['test/database-server.ts'], ...limits } },
    ],
  },
});
