// A simulation of many accounts in one deployment: `node bench/scale.ts [ACCOUNTS] [REPLICAS]`. It plays an hour second by second: which
// account ticks when, what each tick finds changed, and what that asks of the API, the workers and the database. The same seed gives
// the same numbers on every machine. What it assumes is below; what each step costs is measured (see `measured`).
// Prints tables for docs/scale.md.

import { createRandom, hashText, type Random } from '../src/lib/random.ts';

const [accounts = 1_000, replicas = 3] = process.argv.slice(2).map(Number);

/** What is assumed of the accounts and of the API. */
const assumed = {
  /** Conversations a day of the k-th account: as many of the first, divided by k, but no fewer than the least. */
  firstPerDay: 10_000,
  leastPerDay: 10,
  /** The part of a day's conversations that begin in its busiest hour, and in that of the reconcile, at night. */
  busiestHour: 0.1,
  nightHour: 0.01,
  /** Means, in seconds, both exponential: how long a conversation lasts, and the time between its communications. */
  lastsSeconds: 600,
  communicationSeconds: 40,
  resultsPerConversation: 2,
  historyDays: 365,
  /** Of each request. */
  latencySeconds: 0.15,
  seed: 1,
};

/** The settings' defaults: ticks, lookback, how often a closed conversation is fetched again, the lease. */
const settings = { tickSeconds: 60, lookbackSeconds: 900, lookbackDays: 3, refreshes: 2, renewSeconds: 5, atOnce: 32 };

/** Means of bench/ticks.ts and bench/accounts.ts on the machine that docs/scale.md names. */
const measured = {
  tick: { requests: 4, transactions: 6, workerMs: 35, postgresMs: 22 },
  changed: { requests: 1, transactions: 0.04, workerMs: 0.7, postgresMs: 0.4 },
  renewal: { transactions: 1, workerMs: 0.67, postgresMs: 1.08 },
  /** Of a list that is read again: items per request, and CPU of the worker for each. */
  relist: { itemsPerRequest: 800, workerMs: 0.07 },
  /** What a connection remembers of the tables of one account, in MB. */
  rememberedMb: 0.52,
};

interface Account {
  perDay: number;
  /** When it ticks, from 0 to 1 of the time that ticks are spread over. */
  part: number;
  random: Random;
}

interface Second {
  requests: number;
  details: number;
  transactions: number;
  workerMs: number;
  postgresMs: number;
}

const hourSeconds = 3_600;
const zero = (): Second => ({ requests: 0, details: 0, transactions: 0, workerMs: 0, postgresMs: 0 });

const all = Array.from(
  { length: accounts },
  (_, at): Account => ({
    perDay: Math.max(assumed.firstPerDay / (at + 1), assumed.leastPerDay),
    part: hashText(`account ${at}`, assumed.seed) / 2 ** 32,
    random: createRandom(assumed.seed, at),
  }),
);
const perDay = all.reduce((sum, account) => sum + account.perDay, 0);

/** Plays an hour: of ticks and lookbacks, or one in which everything is reconciled too. */
function play({ spread, reconcile }: { spread: boolean; reconcile: boolean }): Second[] {
  const seconds = Array.from({ length: hourSeconds }, zero);
  const perHour = (account: Account) => account.perDay * (reconcile ? assumed.nightHour : assumed.busiestHour);
  for (const account of all) {
    const part = spread ? account.part : 0;
    const random = createRandom(assumed.seed, hashText(`${account.part}`));
    const changes = changesOf(perHour(account), random);
    for (let tick = 0; tick < hourSeconds / settings.tickSeconds; tick += 1) {
      const at = tick * settings.tickSeconds + part * settings.tickSeconds;
      const isLookback = (tick * settings.tickSeconds) % settings.lookbackSeconds === 0;
      const changed = changes[tick] ?? 0;
      request(seconds, at, { requests: measured.tick.requests });
      request(seconds, at, { requests: changed, atOnce: settings.atOnce, details: 1 });
      if (isLookback) relist(seconds, at, settings.lookbackDays * account.perDay);
      const second = seconds[Math.floor(at)] ?? zero();
      for (const key of ['transactions', 'workerMs', 'postgresMs'] as const)
        second[key] += measured.tick[key] + changed * measured.changed[key];
    }
    if (reconcile) relist(seconds, spread ? account.part * hourSeconds : 0, account.perDay * assumed.historyDays);
    for (let at = part * settings.renewSeconds; at < hourSeconds; at += settings.renewSeconds) {
      const second = seconds[Math.floor(at)] ?? zero();
      for (const key of ['transactions', 'workerMs', 'postgresMs'] as const) second[key] += measured.renewal[key];
    }
  }
  return seconds;
}

/** How many details each tick of an hour has to fetch: of new conversations, of changed ones, of closed ones once more. */
function changesOf(perHour: number, random: Random): number[] {
  const ticks: number[] = Array.from({ length: hourSeconds / settings.tickSeconds }, () => 0);
  const add = (tick: number) => {
    if (tick >= 0 && tick < ticks.length) ticks[tick] = (ticks[tick] ?? 0) + 1;
  };
  // Conversations that began in the hour before are still open.
  for (let began = -hourSeconds; ; ) {
    began += exponential(hourSeconds / perHour, random);
    if (began >= hourSeconds) return ticks;
    const ended = began + exponential(assumed.lastsSeconds, random);
    const [first, last] = [began, ended].map((at) => Math.ceil(at / settings.tickSeconds)) as [number, number];
    // Something was said since the tick before.
    const said = 1 - Math.exp(-settings.tickSeconds / assumed.communicationSeconds);
    add(first);
    for (let tick = first + 1; tick < last; tick += 1) if (random.chance(said)) add(tick);
    if (last > first) add(last);
    // As many as close now were closed an hour and a day ago, and are due.
    for (let refresh = 0; refresh < settings.refreshes; refresh += 1) add(random.int(0, ticks.length - 1));
  }
}

/** Reads the list of so many conversations again, and of their results, one page after the other. */
function relist(seconds: Second[], at: number, conversations: number): void {
  const results = conversations * assumed.resultsPerConversation;
  const requests = Math.ceil(conversations / measured.relist.itemsPerRequest) + Math.ceil(results / 1_000);
  request(seconds, at, { requests, workerMs: (conversations * measured.relist.workerMs) / requests });
}

interface Sent {
  requests: number;
  atOnce?: number;
  /** What each counts for. */
  details?: number;
  workerMs?: number;
}

/** Requests from this moment on, so many at a time. */
function request(seconds: Second[], at: number, { requests, atOnce = 1, details = 0, workerMs = 0 }: Sent): void {
  for (let sent = 0; sent < requests; sent += 1) {
    const second = seconds[Math.floor(at + Math.floor(sent / atOnce) * assumed.latencySeconds) % hourSeconds] ?? zero();
    second.requests += 1;
    second.details += details;
    second.workerMs += workerMs;
  }
}

function exponential(mean: number, random: Random): number {
  return -mean * Math.log(1 - random.next());
}

const number = (value: number) =>
  (value < 10 ? Number(value.toPrecision(2)) : Math.round(value)).toLocaleString('en-US');

function summarize(seconds: Second[], key: keyof Second, by = 1): string[] {
  const sorted = seconds.map((second) => second[key] / by).toSorted((a, b) => a - b);
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return [mean, sorted[Math.floor(sorted.length * 0.99)] ?? 0, sorted.at(-1) ?? 0].map(number);
}

function print(title: string, seconds: Second[]): void {
  const rows: [string, keyof Second, number?][] = [
    ['requests a second', 'requests'],
    ['of these, details', 'details'],
    ['transactions a second', 'transactions'],
    ['CPU of Postgres, cores', 'postgresMs', 1_000],
    ['CPU of all workers, cores', 'workerMs', 1_000],
  ];
  const lines = rows.map(([what, key, by]) => `| ${[what, ...summarize(seconds, key, by)].join(' | ')} |`);
  process.stdout.write(
    `${[`| ${title} | mean | 99 % of seconds below | busiest second |`, '|---|---|---|---|', ...lines].join('\n')}\n\n`,
  );
}

process.stdout.write(`${accounts} accounts with ${number(perDay)} conversations a day, ${replicas} replicas\n\n`);
print('busiest hour', play({ spread: true, reconcile: false }));
print('the same, if all ticked at once', play({ spread: false, reconcile: false }));
print('hour of the reconcile', play({ spread: true, reconcile: true }));
const share = Math.ceil(accounts / replicas);
process.stdout.write(
  `Each replica works for ${share} accounts. Each of its connections remembers ${number(share * measured.rememberedMb)} MB in Postgres.\n`,
);
