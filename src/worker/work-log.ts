// What the log says of the work: a line a window, a line a pass, and a warning where a request is tried in vain. Messages
// are constant, and what differs is in fields: instants, counts and durations, never anything of a conversation.

import type { CompletedWindow, Counts } from '../sync/context.ts';
import type { Retry } from '../twilio/request.ts';
import type { Log } from './log.ts';

/** A window is listed and stored to its end. */
export function logWindow(log: Log, { sweep, from, to, ...counts }: CompletedWindow): void {
  log.info({ sweep, from: isoTime(from), to: isoTime(to), ...counts }, 'window');
}

/** A pass has come to its end. */
export function logPass(log: Log, { incomplete, ...counts }: Counts, ms: number): void {
  const fields = { ...counts, ms: Math.round(ms) };
  if (incomplete.length > 0) log.warn({ ...fields, incomplete }, 'pass incomplete');
  else log.info(fields, 'pass');
}

const worthSayingFrom = 3;
const sayEveryMs = 30_000;

/**
 * A repeated request is an everyday thing. One that was tried three times in vain is said, once; of many at the same time
 * only the first, and `alike` counts those since the last line.
 */
export function createRetryLog(log: Log, monotonicMs: () => number = () => performance.now()): (retry: Retry) => void {
  let saidAtMs = Number.NEGATIVE_INFINITY;
  let alike = 0;
  return ({ attempt, endpoint, why, afterMs, error }) => {
    const fields = { endpoint, attempt, afterMs: Math.round(afterMs), why, err: error };
    const inVain = attempt === worthSayingFrom;
    if (inVain && monotonicMs() - saidAtMs >= sayEveryMs) {
      log.warn({ ...fields, alike }, 'request repeated');
      saidAtMs = monotonicMs();
      alike = 0;
      return;
    }
    if (inVain) alike += 1;
    log.debug(fields, 'request repeated');
  };
}

/** Whole seconds since the epoch, for people. */
function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '');
}
