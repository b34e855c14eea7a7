// Every metric there is: its name, what it means, its labels and buckets. Names are public, since dashboards and alerts are
// built on them: `conversation_sync_`, base units, `_total` for what only grows. Nothing is global: the registry is given.
// With an accounts file, gauges and counters have the label `account`. Histograms have not: each has a dozen series.

import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client';

const prefix = 'conversation_sync_';

/** From an answer of a server next door to the longest wait for one. */
const requestBuckets = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** From a cursor alone to a batch on a disk that is busy. */
const loadBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** From a detail that is there at once to the last of those that lag. */
const pushBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 90];

type Labels<Label extends string> = Partial<Record<Label, string | number>>;

/** A gauge or a counter. With an accounts file, it is that of one account. */
export interface Meter<Label extends string = never> {
  set(value: number, labels?: Labels<Label>): void;
  inc(value: number, labels?: Labels<Label>): void;
  /** It is not there until it is set again. */
  remove(labels?: Labels<Label>): void;
}

/** Makes those of the process, and prom-client's own. */
export function createProcessMeters(register: Registry) {
  collectDefaultMetrics({ register });
  // Sums of the ones without it, and named as if they were counters.
  for (const name of ['resources', 'handles', 'requests']) register.removeSingleMetric(`nodejs_active_${name}_total`);
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: prefix + name, help, labelNames, registers: [register] });
  return {
    buildInfo: gauge('build_info', 'Always 1; the label is the release.', ['version']),
    ready: gauge('ready', '1 if /readyz answers 200.'),
    databaseUp: gauge('database_up', '1 if the database could be read when last asked.'),
  };
}

/** With an accounts file there are these as well. */
export function createFileMeters(register: Registry) {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: prefix + name, help, labelNames, registers: [register] });
  return {
    inSync: gauge('in_sync', '1 if the copy of the account is in sync, or loading; only with an accounts file.', [
      'account',
    ]),
    refused: gauge('accounts_refused', 'Entries of the accounts file that are wrong; only with such a file.'),
  };
}

export type Meters = ReturnType<typeof createMeters>;

/** Makes those of an account; null: of the only one, without the label. */
export function createMeters(register: Registry, account: string | null) {
  const registers = [register];
  const labels = account === null ? {} : { account };
  const shared = Object.keys(labels);
  /** Accounts have the same metrics, with other labels. */
  const found = <Metric>(name: string, make: (name: string) => Metric) =>
    (register.getSingleMetric(prefix + name) as Metric | undefined) ?? make(prefix + name);
  const gauge = <Label extends string = never>(name: string, help: string, own: Label[] = []): Meter<Label> => {
    const labelNames = [...shared, ...own];
    const metric = found(name, (whole) => new Gauge({ name: whole, help, labelNames, registers }));
    return {
      set: (value, more) => metric.set({ ...labels, ...more }, value),
      inc: (value, more) => metric.inc({ ...labels, ...more }, value),
      remove: (more) => metric.remove({ ...labels, ...more }),
    };
  };
  const counter = <Label extends string = never>(name: string, help: string, own: Label[] = []) => {
    const labelNames = [...shared, ...own];
    const metric = found(`${name}_total`, (whole) => new Counter({ name: whole, help, labelNames, registers }));
    return { inc: (value: number, more?: Labels<Label>) => metric.inc({ ...labels, ...more }, value) };
  };
  const histogram = <Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: Label[] = [],
  ): Histogram<Label> => found(name, (whole) => new Histogram({ name: whole, help, buckets, labelNames, registers }));
  const conversations = (what: string, help: string) => counter(`conversations_${what}`, help);

  return {
    leaseHeld: gauge(
      'lease_held',
      '1 if this process holds the lease and works; 0 while it is on standby or cannot start.',
    ),

    // Of the database: every replica says the same.
    lastTickTimestamp: gauge(
      'last_tick_timestamp_seconds',
      "When everything new was last listed and stored completely, by the database's clock; absent before the first time.",
    ),
    lastTickAge: gauge(
      'last_tick_age_seconds',
      'Since everything new was last listed and stored completely; goes on growing while the database is away.',
    ),
    newestChangeAge: gauge(
      'newest_change_age_seconds',
      'Since anything about a conversation was last written; long where nobody talks.',
    ),
    windowsPending: gauge('windows_pending', 'Windows that are still to be listed.', ['sweep']),
    windowsFailing: gauge('windows_failing', 'Of the pending windows, those that could not be listed when last tried.'),
    quarantine: gauge(
      'quarantine_conversations',
      'Conversations, and operator results, that cannot be fetched or stored as they are.',
    ),
    resultsAwaited: gauge(
      'results_awaited',
      'Operator results that are named by their conversations and are not stored yet; absent where only links are kept.',
    ),
    newestResultAge: gauge(
      'newest_result_age_seconds',
      'Since the newest operator result was made; absent without any.',
    ),
    resultsRefused: gauge(
      'results_refused',
      '1 if the API shows no operator results; absent where only links are kept.',
    ),
    due: gauge('due_conversations', 'Details that should have been fetched by now and are not.'),

    // Of the process that holds the lease.
    tickAgeLimit: gauge(
      'last_tick_age_limit_seconds',
      'How old the last complete tick may become, by SYNC_SCHEDULE, before /readyz answers 503.',
    ),
    brakedSweeps: gauge(
      'deletion_brake_sweeps',
      'Sweeps, and walks over operator results, that the deletion brake stopped and none has made up for.',
    ),
    lastPassSuccess: gauge(
      'last_pass_success',
      '1 if the last pass left nothing undone, 0 if it failed or is incomplete.',
    ),
    lastPassDuration: gauge('last_pass_duration_seconds', 'How long the last pass took.'),
    passes: counter('passes', 'Passes that have ended, by outcome: ok, incomplete or failed.', ['outcome']),
    listed: conversations('listed', 'Conversations that were listed; each time counts.'),
    differing: conversations('changed', 'Conversations listed as new, or otherwise than they are stored.'),
    fetched: conversations('fetched', 'Details asked for, because of a change or because they were due.'),
    stored: conversations('stored', 'Conversations of which anything was written.'),
    deleted: conversations('deleted', 'Conversations marked deleted: missing from their list, and 404.'),
    failed: conversations('failed', 'Tries at a conversation that ended in quarantine.'),
    verified: conversations(
      'verified',
      'Stored conversations compared with the API, value by value, after a reconcile.',
    ),
    drifted: conversations('drifted', 'Of those verified, the ones that differed in something that no listing shows.'),
    drift: gauge(
      'drift_ratio',
      'Of the last sample that was verified, the part that had drifted; absent before the first.',
    ),
    load: histogram(
      'load_duration_seconds',
      'How long it took to store a batch of conversations, repeats of its transaction included.',
      loadBuckets,
    ),

    webhooks: counter(
      'webhooks',
      'Webhooks that were answered, by outcome: taken, repeated, unknown (a shape that is not known), other_account, refused (not signed as it has to be) or unavailable (not committed in time, or too many at once).',
      ['outcome'],
    ),
    pushWait: histogram(
      'webhook_stored_seconds',
      'How long it took from taking a webhook until its conversation was stored.',
      pushBuckets,
    ),

    requests: counter(
      'api_requests',
      'Requests that have ended, repeated ones included; status none: no answer came, or it was not waited for.',
      ['endpoint', 'status'],
    ),
    requestDuration: histogram(
      'api_request_duration_seconds',
      "How long one request took, from its leave to start to its answer's last byte.",
      requestBuckets,
      ['endpoint'],
    ),
    retries: counter('api_retries', 'Requests that were repeated.', ['endpoint']),
    received: counter('api_received_bytes', 'Bytes of the bodies that were received, as sent.'),
    inFlight: gauge('api_requests_in_flight', 'Requests that are under way.'),
    inFlightLimit: gauge(
      'api_requests_in_flight_limit',
      'How many requests may be under way, as the API lets them; absent without lease.',
    ),
    pace: gauge(
      'api_pace_requests_per_second',
      'Requests a second that are kept to; absent as long as the API has shown no such limit.',
    ),
  };
}
