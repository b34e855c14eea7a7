// An embedded Postgres as it stands, for `doctor`: seen from outside. Nothing is made, started, waited for or put in order.

import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type pg from 'pg';
import { reasonOf } from '../lib/reason.ts';
import { EmbeddedError, findPrograms } from './binaries.ts';
import { connectionTo, seeServer } from './cluster.ts';
import { embeddedDatabase } from './embedded.ts';
import { foreseeObstacle } from './user.ts';

export interface EmbeddedFacts {
  /** The folder, whole. */
  folder: string;
  made: boolean;
  /** How to connect; null where no server runs. */
  connection: pg.ClientConfig | null;
  /** Why it could not be made or started, in a line for people; null where nothing stands against it. */
  obstacle: string | null;
  freeBytes: number;
}

/** Looks. */
export async function lookAtEmbedded(folder: string): Promise<EmbeddedFacts> {
  const home = resolve(folder);
  const data = join(home, 'data');
  const made = await exists(join(data, 'PG_VERSION'));
  const above = await nearest(home);
  const { bavail, bsize } = await statfs(above);
  const facts = { folder: home, made, freeBytes: bavail * bsize };
  const port = await seeServer({ data });
  try {
    if (port !== undefined) {
      return { ...facts, connection: await connectionTo({ data }, port, embeddedDatabase), obstacle: null };
    }
    findPrograms();
    await access(above, constants.W_OK | constants.X_OK);
    return { ...facts, connection: null, obstacle: (await foreseeObstacle(data)) ?? null };
  } catch (error) {
    const obstacle =
      error instanceof EmbeddedError ? error.message : `${home} is closed to this user (${reasonOf(error)})`;
    return { ...facts, connection: null, obstacle };
  }
}

/** The folder itself, or the one that is there already in which it would be made. */
async function nearest(folder: string): Promise<string> {
  return (await exists(folder)) || dirname(folder) === folder ? folder : await nearest(dirname(folder));
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
