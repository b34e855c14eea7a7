// Cron expressions → requests, in UTC. A tick does no work: it asks for some, and whoever does it takes any number of
// requests for the same thing as one, so that nothing ever overlaps. A tick that a busy process missed is made up for, and
// a clock that is set back stops nothing: the ticks that it has before it again are not waited for.

import { createTask, parse, schedule as startNodeCron } from 'node-cron';

export interface Cron {
  stop(): void;
  /** When it ticks next; undefined for never. */
  next(): Date | undefined;
}

/** Ticks at the times of an expression, until stopped. */
export type StartCron = (expression: string, tick: () => void) => Cron;

export interface Schedule<Name extends string> {
  /** When each is requested next. */
  next(): Record<Name, Date | undefined>;
  close(): void;
}

/** How far this machine's clock is ahead of one that never jumps, in milliseconds. */
const clockOffsetMs = () => Date.now() - performance.now();
const lookEveryMs = 10_000;
/** Clocks are also corrected by a little, all the time. */
const setBackMs = 2_000;

/** Requests each name by its own cron expression. Throws where an expression is not one; the configuration has looked before. */
export function openSchedule<Name extends string>(
  expressions: Record<Name, string>,
  request: (name: Name) => void,
  start: StartCron = startCron,
  offsetMs: () => number = clockOffsetMs,
  every: (ms: number, look: () => void) => () => void = repeat,
): Schedule<Name> {
  const entries = Object.entries<string>(expressions) as [Name, string][];
  const startAll = () => entries.map(([name, expression]) => [name, start(expression, () => request(name))] as const);
  let crons = startAll();
  const stopAll = () => {
    for (const [, cron] of crons) cron.stop();
  };
  let lastOffsetMs = offsetMs();
  const endLooking = every(lookEveryMs, () => {
    const setBack = lastOffsetMs - offsetMs() > setBackMs;
    lastOffsetMs = offsetMs();
    if (!setBack) return;
    // node-cron waits for the time it has reckoned out, which is now further off by as much as the clock was set back.
    stopAll();
    crons = startAll();
  });
  return {
    next: () => Object.fromEntries(crons.map(([name, cron]) => [name, cron.next()])) as Record<Name, Date | undefined>,
    close() {
      endLooking();
      stopAll();
    },
  };
}

const allowedTicks = 3;
const allowedMs = 5 * 60_000;
const hourLongMs = 3_600_000;

/**
 * How old something that each tick renews, and that is new now, may become: until the third tick from now, so that nights
 * and weekends that the expression leaves out are allowed for; in milliseconds, and 5 minutes at least.
 */
export function staleAfterMs(expression: string): number {
  const task = createTask(expression, () => {}, { timezone: 'UTC', logger: silent });
  const third = task.getNextRuns(allowedTicks).at(-1);
  void task.destroy();
  if (third === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(allowedMs, third.getTime() - (performance.now() + clockOffsetMs()));
}

/**
 * Whether something that each tick renews, and that was renewed so long ago, has become too old by then: the same limit, for
 * who was not there when it was new. `nowMs`: the time that the expression goes by.
 */
export function isStale(expression: string, ageMs: number, nowMs = performance.now() + clockOffsetMs()): boolean {
  return ageMs > allowedMs && countTicks(expression, nowMs - ageMs, nowMs) >= allowedTicks;
}

/** How many ticks lie after `fromMs` and not after `toMs`; those past the allowed ones are not counted. */
function countTicks(expression: string, fromMs: number, toMs: number): number {
  const task = createTask(expression, () => {}, { timezone: 'UTC', logger: silent });
  const { hour, minute, second } = parse(expression);
  let ticks = 0;
  for (let hourMs = fromMs - (fromMs % hourLongMs); hourMs <= toMs; hourMs += hourLongMs) {
    if (!hour.includes(new Date(hourMs).getUTCHours())) continue;
    for (const minutes of minute)
      for (const seconds of second) {
        const atMs = hourMs + (minutes * 60 + seconds) * 1000;
        if (atMs > fromMs && atMs <= toMs && task.match(new Date(atMs))) ticks += 1;
      }
    if (ticks >= allowedTicks) break;
  }
  void task.destroy();
  return ticks;
}

function repeat(ms: number, look: () => void): () => void {
  const timer = setInterval(look, ms);
  return () => clearInterval(timer);
}

/** node-cron writes what it has to say to the console, where it would be no line of the log; nothing of it matters here. */
const silent = { info() {}, warn() {}, error() {}, debug() {} };

/** node-cron's ticks. Those more than a second late it calls missed, and would leave out. */
export const startCron: StartCron = (expression, tick) => {
  const task = startNodeCron(expression, tick, { timezone: 'UTC', logger: silent, suppressMissedWarning: true });
  task.on('execution:missed', tick);
  return {
    stop() {
      void task.destroy();
    },
    next: () => task.getNextRun() ?? undefined,
  };
};
