// Requests work by cron expressions, in UTC. A tick does no work itself, and several requests for the same thing count as one, so
// that nothing overlaps. A tick that comes late because the process was busy still counts. If the clock is set back, the schedule
// starts again from the new time. The ticks of many accounts are spread: each comes later by its own part of a minute, or of an hour.

import { createTask, parse, schedule as startNodeCron } from 'node-cron';

export interface Cron {
  stop(): void;
  /** When the next tick comes; undefined for never. */
  next(): Date | undefined;
}

/** Starts ticking at the times of an expression; `name`: what each tick requests. */
export type StartCron = (expression: string, tick: () => void, name: string) => Cron;

export interface Schedule<Name extends string> {
  /** When each name is requested next. */
  next(): Record<Name, Date | undefined>;
  close(): void;
}

/** How far this machine's clock is ahead of a monotonic one. */
const clockOffsetMs = () => Date.now() - performance.now();
const lookEveryMs = 10_000;
/** Smaller corrections of the clock happen all the time. */
const setBackMs = 2_000;

/** Requests each name by its own cron expression. @throws if an expression is not valid; the configuration has checked that. */
export function openSchedule<Name extends string>(
  expressions: Record<Name, string>,
  request: (name: Name) => void,
  start: StartCron = startCron,
  offsetMs: () => number = clockOffsetMs,
  every: (ms: number, look: () => void) => () => void = repeat,
): Schedule<Name> {
  const entries = Object.entries<string>(expressions) as [Name, string][];
  const startAll = () =>
    entries.map(([name, expression]) => [name, start(expression, () => request(name), name)] as const);
  let crons = startAll();
  const stopAll = () => {
    for (const [, cron] of crons) cron.stop();
  };
  let lastOffsetMs = offsetMs();
  const endLooking = every(lookEveryMs, () => {
    const setBack = lastOffsetMs - offsetMs() > setBackMs;
    lastOffsetMs = offsetMs();
    if (!setBack) return;
    // node-cron waits for the time that it had calculated, which is now too far away.
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
 * How old something may become that each tick renews and that is new now, in milliseconds: until the third tick, so that nights and
 * weekends without ticks are allowed for, and at least 5 minutes.
 */
export function staleAfterMs(expression: string): number {
  const task = createTask(expression, () => {}, { timezone: 'UTC', logger: silent });
  const third = task.getNextRuns(allowedTicks).at(-1);
  void task.destroy();
  if (third === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(allowedMs, third.getTime() - (performance.now() + clockOffsetMs()));
}

/**
 * Whether something that each tick renews is too old, if it was last renewed this long ago. The same limit as staleAfterMs, for a
 * process that did not see it new.
 */
export function isStale(expression: string, ageMs: number, nowMs = performance.now() + clockOffsetMs()): boolean {
  return ageMs > allowedMs && countTicks(expression, nowMs - ageMs, nowMs) >= allowedTicks;
}

/** How many ticks lie after `fromMs` and not after `toMs`; counting ends at the limit. */
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

/** node-cron writes to the console, not to the log. Nothing of that is needed here. */
const silent = { info() {}, warn() {}, error() {}, debug() {} };

/** Ticks by node-cron, including those more than a second late, which it calls missed. */
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

const spreadMs = { reconcile: 3_600_000, others: 60_000 };

/**
 * Ticks that come later by this part, from 0 to 1, of a minute or of the schedule's interval, whichever is shorter: of an hour for
 * reconciles, which list everything again.
 */
export function spreadTicks(
  part: number,
  start: StartCron = startCron,
  later: (ms: number, work: () => void) => () => void = runLater,
): StartCron {
  if (part === 0) return start;
  return (expression, tick, name) => {
    const mostMs = name === 'reconcile' ? spreadMs.reconcile : spreadMs.others;
    const delayMs = part * Math.min(mostMs, shortestIntervalMs(expression));
    const pending = new Set<() => void>();
    const cron = start(
      expression,
      () => {
        const cancel = later(delayMs, () => {
          pending.delete(cancel);
          tick();
        });
        pending.add(cancel);
      },
      name,
    );
    return {
      stop() {
        cron.stop();
        for (const cancel of pending) cancel();
      },
      next() {
        const next = cron.next();
        return next && new Date(next.getTime() + delayMs);
      },
    };
  };
}

/** The shortest time between the next few ticks. */
function shortestIntervalMs(expression: string): number {
  const task = createTask(expression, () => {}, { timezone: 'UTC', logger: silent });
  const runs = task.getNextRuns(10).map((run) => run.getTime());
  void task.destroy();
  return Math.min(...runs.slice(1).map((run, index) => run - (runs[index] ?? 0)));
}

function runLater(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}
