// Ends work in order when the process gets a signal: the first one aborts the work's AbortSignal; a second one, or a time limit,
// ends the process at once. An uncaught error ends the work in the same way. It is described without its properties, which Node
// would print: drivers put the parameters of statements there.

import { describeError } from './log.ts';

export interface ShutdownOptions {
  /** Gets lines for people or for the log. */
  say(line: string): void;
  /** From the signal to the end of the process. Less than the 10 s that container engines allow by default. */
  limitMs?: number;
  /** The exit status at the limit, or after a second signal. */
  lateStatus?: number;
}

/** The process got a signal. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`);
  }
}

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** npm passes on a Ctrl-C that the terminal has sent to this process already. One that follows so soon does not count. */
const sameSignalMs = 1000;

/**
 * Does the work until it ends or is aborted. Afterwards signals have their usual effect again.
 * @returns the work's exit status, or 1 after an uncaught error. @throws what the work throws.
 */
export async function untilSignal(
  work: (signal: AbortSignal) => Promise<number>,
  { say, limitMs = 9000, lateStatus = 1 }: ShutdownOptions,
): Promise<number> {
  const controller = new AbortController();
  let endingSince: number | undefined;
  let uncaught = false;
  const end = (reason: Error, line: string) => {
    endingSince = performance.now();
    say(line);
    setTimeout(() => {
      say(`not done within ${limitMs / 1000} s, ending now`);
      process.exit(uncaught ? 1 : lateStatus);
      // This timer must not keep the process alive once the work has ended.
    }, limitMs).unref();
    controller.abort(reason);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (endingSince === undefined) end(new Interrupted(signal), `${signal}: ending`);
    else if (performance.now() - endingSince > sameSignalMs) process.exit(uncaught ? 1 : lateStatus);
  };
  const onUncaught = (error: unknown) => {
    const again = uncaught;
    uncaught = true;
    say(`unexpected error: ${describeError(error)}`);
    if (again) process.exit(1);
    if (endingSince === undefined) end(error instanceof Error ? error : new Error('unknown'), 'ending because of it');
  };
  for (const signal of signals) process.on(signal, onSignal);
  process.on('uncaughtException', onUncaught);
  try {
    const status = await work(controller.signal);
    return uncaught ? 1 : status;
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
    process.off('uncaughtException', onUncaught);
  }
}
