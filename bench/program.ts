// A program under test as a process of its own: started, watched, ended. What it used is read from /proc as long as it
// lives: its peak memory (VmHWM) and its CPU time. NODE_COMPILE_CACHE is not set, so a start is a cold one.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const looksEveryMs = 20;
const patienceMs = 30 * 60_000;

export interface Ended {
  /** When it was started, in ms since the epoch. */
  startedMs: number;
  endedMs: number;
  /** Peak resident memory, in bytes; 0 where there is no /proc. */
  peakBytes: number;
  /** CPU time, in ms. */
  cpuMs: number;
}

export interface Running {
  /** When it was started, in ms since the epoch. */
  readonly startedMs: number;
  /** Waits until it has said it. @returns the match. */
  saw(pattern: RegExp): Promise<RegExpExecArray>;
  /** Ends it in order by SIGTERM, and waits. */
  stop(): Promise<Ended>;
  /** Waits for its end. @throws where it failed, with the last that it said. */
  readonly ended: Promise<Ended>;
}

/** The product's own command line, or a rival: a path from this folder, and its arguments. */
export function startProgram(path: string, args: string[], env: Record<string, string>, flags: string[] = []): Running {
  const script = fileURLToPath(new URL(path, import.meta.url));
  const startedMs = Date.now();
  const child = spawn(process.execPath, [...flags, script, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const used = { peakBytes: 0, cpuMs: 0 };
  const watch = setInterval(() => Object.assign(used, usedBy(child.pid) ?? used), looksEveryMs);
  let output = '';
  let heard = Promise.withResolvers<void>();
  const hear = (text = '') => {
    output = (output + text).slice(-100_000);
    heard.resolve();
    heard = Promise.withResolvers();
  };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
  const late = setTimeout(kill, patienceMs);
  let over = false;
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const endedMs = Date.now();
      clearInterval(watch);
      clearTimeout(late);
      process.off('exit', kill);
      over = true;
      hear();
      if (code === 0) resolve({ startedMs, endedMs, ...used });
      else reject(new Error(`${path} ${args.join(' ')} ended with ${code}:\n${output.slice(-3000)}`));
    });
  });
  ended.catch(() => {});
  return {
    startedMs,
    ended,
    async saw(pattern) {
      for (;;) {
        const match = pattern.exec(output);
        if (match !== null) return match;
        if (over) throw new Error(`it ended without saying ${pattern}:\n${output.slice(-3000)}`);
        await heard.promise;
      }
    },
    async stop() {
      Object.assign(used, usedBy(child.pid) ?? used);
      child.kill('SIGTERM');
      return await ended;
    },
  };
}

/** The product, compiled, and started as the image starts it. */
export function startOurs(args: string[], env: Record<string, string>): Running {
  const dockerfile = readFileSync(new URL('../Dockerfile', import.meta.url), 'utf8');
  const entrypoint = JSON.parse(/^ENTRYPOINT (\[.+\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
  const [script = '', ...flags] = entrypoint.slice(1).reverse();
  const [, name = '', value = ''] = /^ENV (MALLOC_ARENA_MAX)=(.+)$/m.exec(dockerfile) ?? [];
  return startProgram(`../${script}`, args, { ...env, [name]: value }, flags.reverse());
}

const tickMs = 10;

function usedBy(pid: number | undefined): { peakBytes: number; cpuMs: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const peakBytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
    // After the name in parentheses come state and numbers; user and system time are the 14th and 15th field of all.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    const cpuMs = (Number(fields[11]) + Number(fields[12])) * tickMs;
    return peakBytes > 0 ? { peakBytes, cpuMs } : undefined;
  } catch {
    return undefined;
  }
}
