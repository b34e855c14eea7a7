// Which processes use a folder just now: a file each, named by its process. The last to leave knows that it is the last;
// one that was killed does not count. Nothing here waits or locks.

import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Hold {
  /** The ids of the processes of all other holds; this process's own, where it holds the folder twice. */
  others(): Promise<number[]>;
  release(): Promise<void>;
}

/** Puts this process on record as a user of the folder, before it looks for others: of two that start at once, each sees the other, or one does. */
export async function holdFolder(folder: string): Promise<Hold> {
  const holders = join(folder, 'holders');
  const own = `${process.pid}-${randomUUID().slice(0, 8)}`;
  await mkdir(holders, { recursive: true });
  await writeFile(join(holders, own), await startOf(process.pid));
  return {
    async others() {
      const alive: number[] = [];
      for (const name of await readdir(holders)) {
        if (name === own) continue;
        const pid = Number.parseInt(name, 10);
        const startedAt = await readFile(join(holders, name), 'utf8').catch(() => '');
        if (isAlive(pid) && startedAt === (await startOf(pid))) alive.push(pid);
        else await rm(join(holders, name), { force: true });
      }
      return alive;
    },
    release: () => rm(join(holders, own), { force: true }),
  };
}

/** Whether there is a process of this id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** When a process started, in ticks since the machine did: ids are used again, after a restart in a container the very same. Empty where the system does not say. */
async function startOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the program's name, which may hold spaces and brackets; the start is the 22nd.
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
