// The program as a user starts it: a process of its own with an environment of its own in an empty folder. A test waits
// for what it says, for its end, or for rows; never for time to pass.

import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Node's own cache, which halves the time that a start takes. */
const compiled = join(tmpdir(), 'conversation-sync-e2e-compiled');
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export type Environment = Record<string, string>;

export interface Ended {
  code: number | null;
  stdout: string;
  /** Without lines of progress, of which there are as many as the machine is slow. */
  stderr: string;
  /** Both streams as they came. */
  output: string;
}

export interface Running {
  readonly pid: number;
  /** Both streams as they came so far. */
  output(): string;
  /** Waits until it has said it, counting from what was said before the last such wait. @returns what matched. */
  saw(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<Ended>;
}

const progress = /^\d+ listed, .*\d+\/s.*\n/gm;
const patienceMs = 100_000;

/** Every process of a test file, to be ended with it. */
export class Processes implements AsyncDisposable {
  readonly #running = new Map<Running, () => void>();
  readonly #folders: string[] = [];
  /** What every process said, for tests that look at all of it. */
  said = '';

  /** An empty folder, gone at the end. */
  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'e2e-'));
    this.#folders.push(folder);
    // The embedded Postgres of a root user runs as another, who has to get in.
    await chmod(folder, 0o755);
    return folder;
  }

  /** Starts a command; nothing of this process's environment reaches it but where programs are found. */
  async start(args: string[], env: Environment = {}, cwd?: string): Promise<Running> {
    return await this.startBy(process.execPath, [main, ...args], env, cwd);
  }

  /** Starts another program that starts a command. */
  async startBy(program: string, args: string[], env: Environment = {}, cwd?: string): Promise<Running> {
    const child = spawn(program, args, {
      cwd: cwd ?? (await this.folder()),
      env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: compiled, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '', output: '', read: 0 };
    let changed = Promise.withResolvers<void>();
    const change = () => {
      changed.resolve();
      changed = Promise.withResolvers();
    };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        said[stream] += text;
        said.output += text;
        this.said += text;
        change();
      });
    }
    let over = false;
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        over = true;
        this.#running.delete(running);
        resolve({ code, ...said, stderr: said.stderr.replace(progress, '') });
        change();
      });
    });
    const running: Running = {
      pid: child.pid ?? 0,
      output: () => said.output,
      async saw(pattern) {
        const deadline = performance.now() + patienceMs;
        for (;;) {
          const found = pattern.exec(said.output.slice(said.read));
          if (found !== null) {
            said.read += found.index + found[0].length;
            return found;
          }
          if (over) throw new Error(`it ended without saying ${pattern}:\n${said.output.slice(-3000)}`);
          if (performance.now() > deadline) throw new Error(`it does not say ${pattern}:\n${said.output.slice(-3000)}`);
          await Promise.race([changed.promise, wait(1000)]);
        }
      },
      kill: (signal) => child.kill(signal),
      ended,
    };
    this.#running.set(running, () => child.kill('SIGKILL'));
    return running;
  }

  /** Starts a command and waits for its end. */
  async finish(args: string[], env: Environment = {}, cwd?: string): Promise<Ended> {
    return await (await this.start(args, env, cwd)).ended;
  }

  /** Ends what still runs. Long-lived ones first get to end in order: an embedded server would be left behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const [running, kill] of [...this.#running]) {
      running.kill('SIGTERM');
      const late = setTimeout(kill, 12_000);
      await running.ended.finally(() => clearTimeout(late));
    }
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }
}

/** Asks again and again until the answer is what was waited for. */
export async function until<Answer>(
  ask: () => Promise<Answer>,
  wanted: (answer: Answer) => boolean,
  limitMs = patienceMs,
): Promise<Answer> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (performance.now() > deadline) throw new Error(`waited in vain; the last answer: ${JSON.stringify(answer)}`);
    await wait(50);
  }
}
