// Which processes use a folder: one file for each, named by process id, so that the last one knows that it is the last.
// Killed processes do not count. Nothing here waits or locks.

import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Hold {
  /** The process ids of all other holders; includes this process if it opened the folder twice. */
  others(): Promise<number[]>;
  release(): Promise<void>;
}

/** Registers this process as a user of the folder. It must register before it looks for others, so that of two that start at once, at least one sees the other. */
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

/** Whether there is a process with this id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** When a process started, in clock ticks since boot; empty if the system does not say. Needed because ids are reused: in a restarted container, the same process gets the same id. */
async function startOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the program's name, which may contain spaces and brackets; the 22nd is the start.
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
