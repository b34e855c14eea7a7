// What happens in, the page at `/metrics` out: of one account, or of all that an accounts file has. Counters only grow as long as the
// process lives: a pass counts from zero and a client is made with each lease, so what they counted is added up here. Asking never
// fails, whatever else does.

import { Counter, Gauge, Registry } from 'prom-client';
import type { RunOutcome } from '../postgres/runs.ts';
import type { Facts } from '../status/snapshot.ts';
import type { Counts } from '../sync/context.ts';
import type { ClientCounters } from '../twilio/counters.ts';
import { type Attempt, endpoints, type Retry } from '../twilio/request.ts';
import { version } from '../version.ts';
import { type WebhookOutcome, webhookOutcomes } from '../webhooks/receive.ts';
import { createFileMeters, createMeters, createProcessMeters, type Meter, type Meters } from './meters.ts';
import type { View } from './view.ts';

type Sample = Pick<Counts, 'verified' | 'drifted'>;

/** Those of an account. */
export interface AccountMetrics {
  attempt(attempt: Attempt): void;
  retry(retry: Retry): void;
  /** A batch was stored, or could not be. */
  load(ms: number): void;
  /** A webhook was answered. */
  webhook(outcome: WebhookOutcome): void;
  /** Conversations that webhooks had announced were stored: how long each had waited. */
  pushed(waitedMs: number[]): void;
  /** What the pass has counted so far. */
  count(counts: Counts): void;
  pass(outcome: RunOutcome, ms: number, counts: Counts): void;
  /** The lease is held from now on; `client` is whose requests are under way, `sample` what was last verified. */
  begin(client: () => ClientCounters, sample: Sample | null): void;
  /** The lease could not be renewed within its term, or could be again. */
  held(held: boolean): void;
  /** The lease is another's: what only its holder knows is not said any more. */
  end(): void;
  tickLimit(ms: number): void;
  /** What is asked of the API; null without the lease. */
  requests(): ClientCounters | null;
  /** Brings up to date what is read of the database. */
  update(now: Pick<View, 'facts' | 'databaseUp'>): void;
}

/** Those of a process with one account. */
export interface Metrics extends AccountMetrics {
  contentType: string;
  /** The text of the page. */
  show(now: Pick<View, 'readiness' | 'facts' | 'databaseUp'>): Promise<string>;
}

/** Those of a process with an accounts file. */
export interface AccountsMetrics {
  contentType: string;
  /** Those of the account with this SID. */
  of(account: string): AccountMetrics;
  /** A webhook for no account was answered. */
  strayWebhook(outcome: WebhookOutcome): void;
  /** The account has left: nothing is said of it any more. */
  remove(account: string): Promise<void>;
  /** The text of the page. `inSync`: of each account, whether its copy is in sync or loading. */
  show(now: { ready: boolean; databaseUp: boolean; inSync: Map<string, boolean>; refused: number }): Promise<string>;
}

/** Makes them, all at zero. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const ofProcess = createProcessMeters(registry);
  ofProcess.buildInfo.set({ version }, 1);
  const metrics = accountMetrics(createMeters(registry, null));
  return {
    ...metrics,
    contentType: registry.contentType,
    async show(now) {
      ofProcess.ready.set(now.readiness.ready ? 1 : 0);
      ofProcess.databaseUp.set(now.databaseUp ? 1 : 0);
      metrics.update(now);
      return await registry.metrics();
    },
  };
}

/** Makes them, without an account yet. */
export function createAccountsMetrics(): AccountsMetrics {
  const registry = new Registry();
  const ofProcess = createProcessMeters(registry);
  const ofFile = createFileMeters(registry);
  ofProcess.buildInfo.set({ version }, 1);
  return {
    contentType: registry.contentType,
    of: (account) => accountMetrics(createMeters(registry, account)),
    strayWebhook: (outcome) => createMeters(registry, '').webhooks.inc(1, { outcome }),
    async remove(account) {
      for (const metric of registry.getMetricsAsArray()) {
        if (!(metric instanceof Gauge || metric instanceof Counter)) continue;
        for (const { labels } of (await metric.get()).values)
          if ('account' in labels && labels['account'] === account) metric.remove(labels);
      }
    },
    async show({ ready, databaseUp, inSync, refused }) {
      ofProcess.ready.set(ready ? 1 : 0);
      ofProcess.databaseUp.set(databaseUp ? 1 : 0);
      ofFile.refused.set(refused);
      ofFile.inSync.reset();
      for (const [account, is] of inSync) ofFile.inSync.set({ account }, is ? 1 : 0);
      return await registry.metrics();
    },
  };
}

function accountMetrics(meters: Meters): AccountMetrics {
  let client: (() => ClientCounters) | undefined;
  const add = createAdder(meters);
  begin(meters);
  return {
    attempt({ endpoint, status, ms, bytes }) {
      meters.requests.inc(1, { endpoint, status: status ?? 'none' });
      meters.requestDuration.observe({ endpoint }, ms / 1000);
      meters.received.inc(bytes);
    },
    retry: ({ endpoint }) => meters.retries.inc(1, { endpoint }),
    load: (ms) => meters.load.observe(ms / 1000),
    webhook: (outcome) => meters.webhooks.inc(1, { outcome }),
    pushed(waitedMs) {
      for (const ms of waitedMs) meters.pushWait.observe(ms / 1000);
    },
    count: add,
    pass(outcome, ms, counts) {
      add(counts);
      meters.passes.inc(1, { outcome });
      meters.lastPassSuccess.set(outcome === 'ok' ? 1 : 0);
      meters.lastPassDuration.set(ms / 1000);
      if (counts.verified > 0) meters.drift.set(counts.drifted / counts.verified);
    },
    begin(counters, sample) {
      client = counters;
      if (sample !== null) meters.drift.set(sample.drifted / sample.verified);
      meters.leaseHeld.set(1);
    },
    held: (held) => meters.leaseHeld.set(held ? 1 : 0),
    end() {
      client = undefined;
      meters.leaseHeld.set(0);
      for (const each of ofTheHolder(meters)) each.remove();
    },
    tickLimit: (ms) => meters.tickAgeLimit.set(ms / 1000),
    requests: () => client?.() ?? null,
    update({ facts, databaseUp }) {
      showFacts(meters, facts, databaseUp);
      if (client !== undefined && databaseUp)
        meters.brakedSweeps.set((facts?.braked.length ?? 0) + (facts?.results?.braked ? 1 : 0));
      const { inFlight = 0, limit, perSecond } = client?.() ?? {};
      meters.inFlight.set(inFlight);
      setOrRemove(meters.inFlightLimit, limit);
      setOrRemove(meters.pace, perSecond);
    },
  };
}

/** What is known at the start is there from the start; of what is not, there is nothing to see. */
function begin(meters: Meters): void {
  meters.leaseHeld.set(0);
  const { listed, differing, fetched, stored, deleted, failed, verified, drifted, received } = meters;
  for (const each of [listed, differing, fetched, stored, deleted, failed, verified, drifted, received]) each.inc(0);
  for (const outcome of ['ok', 'incomplete', 'failed']) meters.passes.inc(0, { outcome });
  for (const outcome of webhookOutcomes) meters.webhooks.inc(0, { outcome });
  for (const endpoint of endpoints) {
    meters.requests.inc(0, { endpoint, status: 200 });
    meters.retries.inc(0, { endpoint });
  }
  for (const each of ofTheHolder(meters)) each.remove();
}

function ofTheHolder(meters: Meters) {
  const { tickAgeLimit, brakedSweeps, lastPassSuccess, lastPassDuration, drift } = meters;
  return [tickAgeLimit, brakedSweeps, lastPassSuccess, lastPassDuration, drift];
}

/** Adds what a pass has counted since it was last asked; another pass has other counts, which begin at zero. */
function createAdder(meters: Meters): (counts: Counts) => void {
  const counters = {
    listed: meters.listed,
    differing: meters.differing,
    fetched: meters.fetched,
    changed: meters.stored,
    deleted: meters.deleted,
    failed: meters.failed,
    verified: meters.verified,
    drifted: meters.drifted,
  };
  const names = Object.keys(counters) as (keyof typeof counters)[];
  const known = new WeakMap<Counts, Pick<Counts, keyof typeof counters>>();
  return (counts) => {
    for (const name of names) counters[name].inc(counts[name] - (known.get(counts)?.[name] ?? 0));
    known.set(counts, { ...counts });
  };
}

const sweeps = ['new', 'open', 'lookback', 'backfill', 'reconcile', 'range'];

function showFacts(meters: Meters, facts: Facts | null, databaseUp: boolean): void {
  setOrRemove(meters.lastTickTimestamp, facts?.lastTickAt == null ? null : Date.parse(facts.lastTickAt) / 1000);
  setOrRemove(meters.lastTickAge, facts?.lastTickSecondsAgo);
  setOrRemove(meters.newestChangeAge, facts?.newestChangeSecondsAgo);
  // Counts of a while ago say nothing; ages go on.
  const counted = databaseUp ? facts : null;
  setOrRemove(meters.windowsFailing, counted?.pendingWindows.filter(({ failures }) => failures > 0).length);
  setOrRemove(meters.quarantine, counted?.quarantine);
  setOrRemove(meters.due, counted?.overdue);
  setOrRemove(meters.resultsAwaited, counted?.results?.awaited);
  setOrRemove(meters.newestResultAge, facts?.results?.newestSecondsAgo);
  setOrRemove(meters.resultsRefused, counted?.results && Number(counted.results.refused !== null));
  for (const sweep of sweeps) {
    const pending = counted?.pendingWindows.filter((window) => window.sweep === sweep).length;
    if (pending === undefined) meters.windowsPending.remove({ sweep });
    else meters.windowsPending.set(pending, { sweep });
  }
}

function setOrRemove(gauge: Meter, value: number | null | undefined): void {
  if (value === null || value === undefined) gauge.remove();
  else gauge.set(value);
}
