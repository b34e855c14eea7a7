// `npm start` under a supervisor that signals npm alone, as pm2, systemd and containers do: nothing is left behind.

import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { until } from './process.ts';
import { Stage } from './stage.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test.concurrent.each([
  ['start', ['start']],
  ['cli', ['run', 'cli', '--', 'run']],
])('SIGTERM to npm alone ends the worker of npm %s in order', async (_name, args) => {
  await using stage = await Stage.open({ conversations: 20 });
  const npm = await stage.processes.startBy('npm', args, stage.env, root);
  await npm.saw(/"msg":"in sync"/);
  const [, worker] = /process (\d+)/.exec((await stage.leaseHolder()) ?? '') ?? [];
  npm.kill('SIGTERM');
  try {
    // The lease is only given back by a worker that ends in order.
    await until(
      () => stage.leaseHolder(),
      (holder) => holder === null,
    );
    const { output } = await npm.ended;
    expect(output).not.toMatch(/not done within|"level":"(warn|error)"/);
  } finally {
    if (worker !== undefined) endOrphan(Number(worker));
  }
});

function endOrphan(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended, as it should.
  }
}
