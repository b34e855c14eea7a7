// The state of an embedded Postgres, for `doctor`. Changes and starts nothing.

import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type pg from 'pg';
import { reasonOf } from '../lib/reason.ts';
import { EmbeddedError, findPrograms } from './binaries.ts';
import { connectionTo, probeServer } from './cluster.ts';
import { embeddedDatabase } from './embedded.ts';
import { foreseeObstacle } from './user.ts';

export interface EmbeddedFacts {
  /** Absolute path. */
  folder: string;
  made: boolean;
  /** How to connect; null if no server runs. */
  connection: pg.ClientConfig | null;
  /** Why it could not be created or started, for users; null if it could. */
  obstacle: string | null;
  freeBytes: number;
}

export async function inspectEmbedded(folder: string): Promise<EmbeddedFacts> {
  const home = resolve(folder);
  const data = join(home, 'data');
  const made = await exists(join(data, 'PG_VERSION'));
  const above = await nearest(home);
  const { bavail, bsize } = await statfs(above);
  const facts = { folder: home, made, freeBytes: bavail * bsize };
  const port = await probeServer({ data });
  try {
    if (port !== undefined) {
      return { ...facts, connection: await connectionTo({ data }, port, embeddedDatabase), obstacle: null };
    }
    findPrograms();
    await access(above, constants.W_OK | constants.X_OK);
    return { ...facts, connection: null, obstacle: (await foreseeObstacle(data)) ?? null };
  } catch (error) {
    const obstacle =
      error instanceof EmbeddedError ? error.message : `${home} is not accessible to this user (${reasonOf(error)})`;
    return { ...facts, connection: null, obstacle };
  }
}

/** The folder, or its closest parent that exists. */
async function nearest(folder: string): Promise<string> {
  return (await exists(folder)) || dirname(folder) === folder ? folder : await nearest(dirname(folder));
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
