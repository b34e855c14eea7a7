// The Postgres server that the database tests share, started once for a whole run: the one of TEST_DATABASE_URL, else a
// container where a Docker engine answers and has or gets the image, else an embedded one. It says once which it took.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { openEmbedded } from '../src/embedded/embedded.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A postgres:// URL of a user that may create databases. */
    databaseServer: string;
  }
}

export interface Server {
  url: string;
  name: string;
  stop(): Promise<void>;
}

/** Vitest's global setup: called before the first database test, never for units alone. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startServer();
  process.stdout.write(`Tests use ${server.name}.\n`);
  project.provide('databaseServer', server.url);
  return () => server.stop();
}

/** Starts the server, or finds it. */
export async function startServer(): Promise<Server> {
  const given = process.env['TEST_DATABASE_URL'];
  if (given) return { url: given, name: 'the database server of TEST_DATABASE_URL', stop: async () => {} };
  const container = await startContainer();
  if (typeof container !== 'string') return container;
  const folder = await mkdtemp(join(tmpdir(), 'conversation-sync-test-'));
  const embedded = await openEmbedded({ folder, durable: false });
  return {
    url: embedded.url,
    name: `an embedded Postgres (${container})`,
    async stop() {
      await embedded.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * In a process of its own, which ends when this one does: testcontainers' reaper, which would see to that, can keep vitest
 * from ending (testcontainers-node #982) and is one more image to have. Resolves with the reason where there is no container.
 */
function startContainer(): Promise<Server | string> {
  const script = fileURLToPath(new URL('database-container.ts', import.meta.url));
  const env = { ...process.env, TESTCONTAINERS_RYUK_DISABLED: 'true' };
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'ignore'], env });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', () => resolve('the Docker engine gave no container'));
    createInterface(child.stdout).once('line', (line) => {
      const { url, reason } = JSON.parse(line) as { url?: string; reason?: string };
      const stop = () => {
        child.stdin.end();
        return ended;
      };
      resolve(url === undefined ? (reason ?? 'no container') : { url, name: 'a container of postgres:18', stop });
    });
  });
}
