// `run` in this process, on a copy of a scene's database and through its proxies, with limits short enough to be waited
// for. A test waits for what it logs, or for rows; never for time to pass.

import { setTimeout as wait } from 'node:timers/promises';
import { run } from '../../src/cli/commands/run.ts';
import { readConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/worker/log.ts';
import type { Environment } from '../e2e/process.ts';

const patienceMs = 100_000;

/** Long enough for a busy machine, short enough for a test. */
export const limits = {
  database: { connectMs: 1_500, answerMs: 1_500, migrationMs: 1_500, lockMs: 1_000, idleInTransactionMs: 1_000 },
  requestMs: 1_500,
};

export interface Line {
  level: string;
  msg: string;
  err?: { message: string; code?: string };
  [field: string]: unknown;
}

export class Worker implements AsyncDisposable {
  readonly lines: Line[] = [];
  readonly status: Promise<number>;
  readonly #stop = new AbortController();
  #read = 0;

  static start(env: Environment): Worker {
    return new Worker({ HTTP_PORT: '0', SYNC_SCHEDULE: '* * * * * *', ...env });
  }

  private constructor(env: Environment) {
    const config = readConfig(env, () => '', ['api', 'database', 'filters', 'sync', 'http', 'logLevel']);
    const destination = { write: (line: string) => void this.lines.push(JSON.parse(line) as Line) };
    this.status = run(config, createLog({ level: 'debug', destination }), this.#stop.signal, { limits });
    this.status.catch(() => {});
  }

  /** Waits for a line, from where the last such wait ended. */
  async saw(is: (line: Line) => boolean, what: string): Promise<Line> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const at = this.lines.findIndex((line, index) => index >= this.#read && is(line));
      const line = this.lines[at];
      if (line !== undefined) {
        this.#read = at + 1;
        return line;
      }
      if (performance.now() > deadline) {
        throw new Error(
          `it does not say ${what}:\n${this.lines
            .slice(-30)
            .map((each) => JSON.stringify(each))
            .join('\n')}`,
        );
      }
      await wait(20);
    }
  }

  /** Waits until a whole pass has come to its end. */
  async pass(): Promise<void> {
    // Of the line after next at the latest it is certain that it began after this call.
    for (let n = 0; n < 2; n += 1)
      await this.saw(({ msg }) => /^pass( without changes)?$/.test(msg), 'that a pass ended');
  }

  /** Tells it to end, and waits. @returns its exit status. */
  async stop(): Promise<number> {
    this.#stop.abort(new Error('the test is over'));
    return await this.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
