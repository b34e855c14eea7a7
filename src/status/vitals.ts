// The database's pulse, for whoever asks over HTTP: asked for at most once at a time, kept for a moment, and never waited
// for longer than a probe does. What was last heard goes on ageing while the database is away.

import { findSchemaTrouble } from '../postgres/ledger.ts';
import { describeError } from '../worker/log.ts';
import type { Pulse } from './pulse.ts';

export interface Vitals {
  /** Why the database cannot be used as it is; undefined where it can. */
  trouble: string | undefined;
  /** The database answered. */
  reached: boolean;
  /** What was last heard, its ages up to now; undefined before the first time. */
  pulse: Pulse | undefined;
}

export interface VitalsOptions {
  read: () => Promise<Pulse>;
  /** How long an answer holds, and how long one is waited for. */
  freshMs?: number;
  limitMs?: number;
  now?: () => number;
}

/** Makes a way to ask, which never throws. */
export function createVitals(options: VitalsOptions): () => Promise<Vitals> {
  const { read, freshMs = 2_000, limitMs = 2_500, now = () => performance.now() } = options;
  let heard: { pulse: Pulse; atMs: number } | undefined;
  /** The last tick that was heard of, and since when: the database's clock may have been set back since. */
  let tick: { at: number | null; heardAtMs: number } | undefined;
  let trouble: string | undefined;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let endedAtMs = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;
  const ask = async () => {
    askedAtMs = now();
    try {
      heard = { pulse: await read(), atMs: now() };
      const { lastTickAt } = heard.pulse;
      if (tick?.at !== lastTickAt) tick = { at: lastTickAt, heardAtMs: heard.atMs };
      trouble = undefined;
    } catch (error) {
      trouble = describeError(error);
    }
    endedAtMs = now();
    asking = undefined;
  };
  const secondsSince = (ms: number) => (now() - ms) / 1000;
  return async () => {
    if (asking === undefined && now() - endedAtMs > freshMs) asking = ask();
    if (asking !== undefined) await atMost(asking, limitMs - (now() - askedAtMs));
    if (asking !== undefined) trouble = `database: no answer in ${Math.round((now() - askedAtMs) / 1000)} s`;
    const reached = trouble === undefined && heard !== undefined;
    const schema = heard === undefined ? undefined : findSchemaTrouble(heard.pulse.migratedTo);
    return {
      reached,
      trouble: trouble ?? schema,
      pulse: heard && aged(heard.pulse, secondsSince(heard.atMs), secondsSince(tick?.heardAtMs ?? heard.atMs)),
    };
  };
}

/** Waits for the end of something, but not for ever. */
async function atMost(end: Promise<void>, ms: number): Promise<void> {
  if (ms <= 0) return;
  let late: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    late = setTimeout(resolve, ms);
  });
  await Promise.race([end, limit]);
  clearTimeout(late);
}

/** The pulse so many seconds after it was heard, and after its last tick was first heard of. */
function aged(pulse: Pulse, seconds: number, tickSeconds: number): Pulse {
  const add = (age: number | null) => (age === null ? null : age + seconds);
  const tickAge = add(pulse.lastTickAge);
  return {
    ...pulse,
    lastTickAge: tickAge === null ? null : Math.max(tickAge, tickSeconds),
    newestChangeAge: add(pulse.newestChangeAge),
  };
}
