// The snapshot for many who ask, each part of it read once at a time, kept for a while, and never waited for longer than a
// probe does. What was last read stays known while the database is away.

import type { Database, Queries } from '../postgres/database.ts';
import { describeError } from '../worker/log.ts';
import { type Counts, type Facts, type Records, readCounts, readFacts, readRecords } from './snapshot.ts';

export interface Cached<Value> {
  /** The last that could be read; null before the first. */
  value: Value | null;
  /** How old it is. */
  ageMs: number;
  /** Why it could not be read again; null where it could, or is still fresh. */
  trouble: string | null;
}

export interface CachedOptions<Value> {
  read: () => Promise<Value>;
  /** It is read again when this old, */
  freshMs: number;
  /** or after so many times as long as reading it took: 20 for never more than a twentieth of the time. */
  timesItsCost?: number;
  /** The longest that anybody waits for a reading. */
  waitMs: number;
  /** Milliseconds of a clock that only goes forward. */
  now?: () => number;
}

export interface Cache<Value> {
  /** Never throws. */
  ask(): Promise<Cached<Value>>;
  /** It has changed: whoever asks next has it read again. */
  expire(): void;
}

export function createCache<Value>(options: CachedOptions<Value>): Cache<Value> {
  const { read, freshMs, timesItsCost = 0, waitMs, now = () => performance.now() } = options;
  let value: Value | null = null;
  let readAtMs = now();
  let trouble: string | null = null;
  let nextAtMs = Number.NEGATIVE_INFINITY;
  let beganAtMs = 0;
  let reading: Promise<void> | undefined;
  let expired = false;
  const readAgain = async () => {
    beganAtMs = now();
    expired = false;
    try {
      value = await read();
      readAtMs = now();
      trouble = null;
    } catch (error) {
      trouble = describeError(error);
    }
    // What changed meanwhile may not be in what was read.
    nextAtMs = expired ? Number.NEGATIVE_INFINITY : now() + Math.max(freshMs, (now() - beganAtMs) * timesItsCost);
    reading = undefined;
  };
  return {
    async ask() {
      if (reading === undefined && now() >= nextAtMs) reading = readAgain();
      if (reading !== undefined) await atMost(reading, waitMs - (now() - beganAtMs));
      const late = reading === undefined ? null : `no answer in ${Math.round((now() - beganAtMs) / 1000)} s`;
      return { value, ageMs: now() - readAtMs, trouble: late ?? trouble };
    },
    expire() {
      expired = true;
      nextAtMs = Number.NEGATIVE_INFINITY;
    },
  };
}

/** Waits for the end of something, but not for ever. */
async function atMost(end: Promise<void>, ms: number): Promise<void> {
  if (ms <= 0) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const late = setTimeout(resolve, ms);
  await Promise.race([end, promise]);
  clearTimeout(late);
}

/** The parts of the snapshot, each read at most so often and waited for so long; none of it ever throws. */
export interface Snapshots {
  /** Their ages go on while the database is away. */
  facts(): Promise<Cached<Facts>>;
  records(): Promise<Cached<Records>>;
  counts(): Promise<Cached<Counts>>;
  /** What was done may have changed the facts. */
  expire(): void;
}

/** Keeps the snapshot of a database at hand. The facts are read at most every `freshMs`. */
export function createSnapshots(
  database: Database,
  now: () => number = () => performance.now(),
  freshMs = 2_000,
): Snapshots {
  /** The last tick that was heard of, and since when: the database's clock may have been set back since. */
  let tick: { at: string | null; heardAtMs: number } | undefined;
  const facts = createCache({
    async read() {
      const found = await readFacts((text) => database.ask(text, factsMs));
      if (tick?.at !== found.lastTickAt) tick = { at: found.lastTickAt, heardAtMs: now() };
      return found;
    },
    freshMs,
    waitMs: factsMs + 500,
    now,
  });
  /** On one core of the database's, and not for longer than that. */
  const limited = <Value>(read: (queries: Queries) => Promise<Value>, answerMs: number) =>
    database.transaction(async (queries) => {
      await queries.sql(`set local statement_timeout = ${answerMs}; set local max_parallel_workers_per_gather = 0`);
      return await read(queries);
    });
  const share = { waitMs: 1_500, timesItsCost: 20, now };
  const records = createCache({ read: () => limited(readRecords, 3_000), freshMs: 2_000, ...share });
  const counts = createCache({ read: () => limited(readCounts, 30_000), freshMs: 10_000, ...share });
  return {
    async facts() {
      const found = await facts.ask();
      const tickMs = now() - (tick?.heardAtMs ?? now());
      return { ...found, value: found.value && aged(found.value, found.ageMs / 1000, tickMs / 1000) };
    },
    records: records.ask,
    counts: counts.ask,
    expire: facts.expire,
  };
}

/** Long for this statement, and short for whoever waits for it. */
const factsMs = 2_000;

/** The facts so many seconds after they were read, and after their last tick was first heard of. */
function aged(facts: Facts, seconds: number, tickSeconds: number): Facts {
  const add = (age: number | null) => (age === null ? null : age + seconds);
  const tickAge = add(facts.lastTickSecondsAgo);
  return {
    ...facts,
    listedSecondsAgo: add(facts.listedSecondsAgo),
    lastTickSecondsAgo: tickAge === null ? null : Math.max(tickAge, tickSeconds),
    newestChangeSecondsAgo: add(facts.newestChangeSecondsAgo),
    results: facts.results && { ...facts.results, newestSecondsAgo: add(facts.results.newestSecondsAgo) },
  };
}
