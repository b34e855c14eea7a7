// Ends a piece of work in order when the process is told to: the first signal aborts the work's AbortSignal, a second one, or
// the limit, ends the process at once. An error that nobody caught ends it the same way, shown without what drivers hang on
// errors: Node itself would print every property, parameters of statements among them.

import { describeError } from './log.ts';

export interface ShutdownOptions {
  /** Told what is going on, in a line for people or the log. */
  say(line: string): void;
  /** From the signal to the end of the process. Below the 10 s that container engines give by default. */
  limitMs?: number;
  /** Exit status where the limit is reached, or a second signal comes. */
  lateStatus?: number;
}

/** Why work was aborted: a signal came. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`);
  }
}

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** npm passes a Ctrl-C on to a process that the terminal has sent it to already: so soon, it is no second one. */
const sameSignalMs = 1000;

/**
 * Does the work, to its end or to its abortion, and resolves with the exit status it gives; 1 after an error that nobody
 * caught. What the work throws is thrown here. Afterwards signals have their usual effect again.
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
      // Not a reason to stay, once the work has ended and nothing was left open.
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
