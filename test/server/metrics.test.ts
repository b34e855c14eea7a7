// What is counted is shown, through the end of passes and the loss of the lease, and as Prometheus would have it: its own
// tool checks the page and the alerts, where it is installed.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createAccountsMetrics, createMetrics, type Metrics } from '../../src/server/metrics.ts';
import { createCounts } from '../../src/sync/context.ts';
import { codes, documentOf } from '../readme.ts';
import { someFacts, someResults } from './example.ts';

const window = { sweep: 'backfill', from: '', to: '', cursor: '', failures: 0, error: null };
const facts = someFacts({
  lastTickAt: '2027-01-15T08:00:00Z',
  lastTickSecondsAgo: 12.5,
  pendingWindows: [...Array(8).fill(window), { ...window, failures: 2 }],
  braked: Array(2).fill({ sweep: 'reconcile', expected: 1, missing: 1 }),
  quarantine: 3,
  overdue: 4,
  results: someResults({ awaited: 7, braked: { expected: 100, missing: 50 } }),
});
const now: Parameters<Metrics['show']>[0] = { readiness: { ready: true, code: 'loading' }, facts, databaseUp: true };
const away = { readiness: { ready: false, code: 'database_down' }, facts, databaseUp: false } as const;

const none = { '2xx': 0, '3xx': 0, '4xx': 0, '429': 0, '5xx': 0, none: 0 };
const counters = (inFlight = 5, perSecond?: number) => ({
  requests: { list: none, detail: none, results: none, result: none, names: none },
  retries: 0,
  bytes: 0,
  limit: 32,
  inFlight,
  perSecond,
});

/** The samples of a page: name and labels to value. */
async function samples(metrics: Metrics, view = now) {
  const lines = (await metrics.show(view)).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at).replace(/^conversation_sync_/, ''), Number(line.slice(at + 1))];
    }),
  );
}

/** With every metric that there can be. */
async function fullPage(): Promise<string> {
  const metrics = createMetrics();
  metrics.begin(() => counters(1, 20), { verified: 50, drifted: 1 });
  metrics.attempt({ endpoint: 'list', attempt: 1, status: 200, ms: 1, bytes: 1, isUrgent: false });
  metrics.pass('ok', 1000, createCounts());
  metrics.tickLimit(300_000);
  return await metrics.show(now);
}

describe('counters only grow', () => {
  test('from pass to pass, each of which counts from zero', async () => {
    const metrics = createMetrics();
    const first = { ...createCounts(), listed: 10, differing: 4, fetched: 5, changed: 3 };
    metrics.count(first);
    Object.assign(first, { listed: 25, deleted: 2, failed: 1 });
    metrics.count(first);
    metrics.pass('incomplete', 2000, first);
    const second = { ...createCounts(), listed: 7 };
    metrics.count(second);
    metrics.pass('ok', 3000, second);
    expect(await samples(metrics)).toMatchObject({
      conversations_listed_total: 32,
      conversations_changed_total: 4,
      conversations_fetched_total: 5,
      conversations_stored_total: 3,
      conversations_deleted_total: 2,
      conversations_failed_total: 1,
      'passes_total{outcome="incomplete"}': 1,
      'passes_total{outcome="ok"}': 1,
      'passes_total{outcome="failed"}': 0,
      last_pass_success: 1,
      last_pass_duration_seconds: 3,
    });
  });

  test('from lease to lease; what its holder alone knows is not said in between', async () => {
    const metrics = createMetrics();
    const ofTheHolder = [
      'last_pass_success',
      'last_pass_duration_seconds',
      'drift_ratio',
      'deletion_brake_sweeps',
      'last_tick_age_limit_seconds',
      'api_requests_in_flight_limit',
    ];
    const before = await samples(metrics);
    expect(before).toMatchObject({ lease_held: 0, api_requests_in_flight: 0 });
    for (const name of ofTheHolder) expect(before).not.toHaveProperty(name);

    metrics.begin(() => counters(5, 20), { verified: 50, drifted: 1 });
    metrics.tickLimit(300_000);
    metrics.attempt({ endpoint: 'detail', attempt: 1, status: 404, ms: 70, bytes: 100, isUrgent: false });
    metrics.attempt({ endpoint: 'detail', attempt: 1, status: undefined, ms: 5, bytes: 0, isUrgent: false });
    metrics.retry({ endpoint: 'detail', attempt: 1, afterMs: 1, why: '', error: new Error() as never });
    metrics.load(30);
    metrics.pass('failed', 1000, { ...createCounts(), listed: 3 });
    expect(await samples(metrics)).toMatchObject({
      lease_held: 1,
      drift_ratio: 0.02,
      deletion_brake_sweeps: 3,
      last_tick_age_limit_seconds: 300,
      last_pass_success: 0,
      api_requests_in_flight: 5,
      api_requests_in_flight_limit: 32,
      api_pace_requests_per_second: 20,
    });

    metrics.end();
    const after = await samples(metrics);
    for (const name of [...ofTheHolder, 'api_pace_requests_per_second']) expect(after).not.toHaveProperty(name);
    expect(after).toMatchObject({
      lease_held: 0,
      api_requests_in_flight: 0,
      conversations_listed_total: 3,
      'api_requests_total{endpoint="detail",status="404"}': 1,
      'api_requests_total{endpoint="detail",status="none"}': 1,
      'api_request_duration_seconds_bucket{le="0.05",endpoint="detail"}': 1,
      'api_request_duration_seconds_bucket{le="0.1",endpoint="detail"}': 2,
      'api_retries_total{endpoint="detail"}': 1,
      api_received_bytes_total: 100,
      load_duration_seconds_count: 1,
    });

    metrics.begin(() => counters(1), null);
    metrics.pass('ok', 1000, { ...createCounts(), verified: 40, drifted: 10 });
    expect(await samples(metrics)).toMatchObject({
      drift_ratio: 0.25,
      conversations_verified_total: 40,
      conversations_drifted_total: 10,
    });
  });
});

test('while the database is away, ages go on and counts are not said', async () => {
  const metrics = createMetrics();
  expect(await samples(metrics)).toMatchObject({
    ready: 1,
    database_up: 1,
    last_tick_timestamp_seconds: 1_800_000_000,
    last_tick_age_seconds: 12.5,
    newest_change_age_seconds: 70,
    'windows_pending{sweep="backfill"}': 9,
    'windows_pending{sweep="new"}': 0,
    windows_failing: 1,
    quarantine_conversations: 3,
    due_conversations: 4,
    results_awaited: 7,
    newest_result_age_seconds: 95,
    results_refused: 0,
  });
  const said = await samples(metrics, away);
  expect(said).toMatchObject({ ready: 0, database_up: 0, last_tick_age_seconds: 12.5, newest_change_age_seconds: 70 });
  for (const name of [
    'windows_failing',
    'quarantine_conversations',
    'results_awaited',
    'results_refused',
    'windows_pending{sweep="new"}',
  ])
    expect(said).not.toHaveProperty([name]);
  expect(await samples(metrics, { ...away, facts: null })).not.toHaveProperty('last_tick_age_seconds');
});

const alerts = readFileSync(new URL('../../deploy/alerts.yml', import.meta.url), 'utf8');
const dashboard = readFileSync(new URL('../../deploy/grafana/worker.json', import.meta.url), 'utf8');
const deploy = documentOf('docs/deploy.md');
const namesIn = (text: string) => [...new Set(text.match(/\bconversation_sync_\w+/g))];

describe('names', () => {
  test('those of the alerts are there, with a sample', async () => {
    const shown = namesIn((await fullPage()).replace(/^#.*$/gm, ''));
    expect(namesIn(alerts).length).toBeGreaterThan(8);
    for (const name of namesIn(alerts)) expect(shown).toContain(name);
  });

  test("those of Grafana's dashboard are there, with a sample", async () => {
    const shown = (await fullPage()).replace(/^#.*$/gm, '');
    const named = dashboard.match(/\b(?:conversation_sync|process|nodejs)_\w+/g) ?? [];
    expect(new Set(named).size).toBeGreaterThan(30);
    for (const name of named) expect(shown).toMatch(new RegExp(`^${name}[ {]`, 'm'));
  });

  test('docs/deploy.md has them all', async () => {
    const real = (await fullPage()).match(/(?<=^# TYPE conversation_sync_)\w+/gm);
    expect(deploy.table('Metrics').flatMap(([name = '']) => codes(name))).toEqual(real);
  });

  test('docs/deploy.md has all alerts', () => {
    const real = Array.from(alerts.matchAll(/alert: (\w+)/g), ([, name]) => name);
    expect(deploy.table('Alerts').flatMap(([name = '']) => codes(name))).toEqual(real);
  });
});

const promtool = (args: string[], input = '') =>
  spawnSync('promtool', args, {
    input,
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('../../deploy/', import.meta.url)),
  });

describe.skipIf(promtool(['--version']).error !== undefined)('promtool', () => {
  test('accepts the page', async () => {
    const { status, stdout, stderr } = promtool(['check', 'metrics'], await fullPage());
    expect(stdout + stderr).toBe('');
    expect(status).toBe(0);
  });

  test('accepts the alerts, and they fire when they should', () => {
    for (const args of [
      ['check', 'rules', 'alerts.yml'],
      ['test', 'rules', 'alerts.test.yml'],
    ]) {
      const { status, stdout, stderr } = promtool(args);
      expect(status, stdout + stderr).toBe(0);
    }
  });
});

describe('of the accounts of a file', () => {
  const show = (metrics: ReturnType<typeof createAccountsMetrics>) =>
    metrics.show({ ready: true, databaseUp: true, inSync: new Map([['AC1', true]]), refused: 2 });

  test('gauges and counters have the account, histograms and the process have not', async () => {
    const metrics = createAccountsMetrics();
    const [one, other] = [metrics.of('AC1'), metrics.of('AC2')];
    for (const account of [one, other]) account.begin(() => counters(), null);
    one.pass('ok', 1000, { ...createCounts(), listed: 3 });
    one.attempt({ endpoint: 'list', attempt: 1, status: 200, ms: 1, bytes: 7, isUrgent: false });
    other.load(10);
    one.update(now);
    metrics.strayWebhook('refused');
    const page = await show(metrics);
    const own = page.split('\n').filter((line) => /^conversation_sync_/.test(line));
    const without = own.filter((line) => !line.includes('account="'));
    expect([...new Set(without.map((line) => line.replace(/[{ ].*/, '').replace(/_(bucket|sum|count)$/, '')))]).toEqual(
      [
        'conversation_sync_build_info',
        'conversation_sync_ready',
        'conversation_sync_database_up',
        'conversation_sync_accounts_refused',
        'conversation_sync_load_duration_seconds',
        'conversation_sync_webhook_stored_seconds',
        'conversation_sync_api_request_duration_seconds',
      ],
    );
    for (const line of [
      'in_sync{account="AC1"} 1',
      'accounts_refused 2',
      'conversations_listed_total{account="AC1"} 3',
      'conversations_listed_total{account="AC2"} 0',
      'passes_total{account="AC1",outcome="ok"} 1',
      'windows_pending{account="AC1",sweep="backfill"} 9',
      'webhooks_total{account="",outcome="refused"} 1',
    ])
      expect(own).toContain(`conversation_sync_${line}`);
  });

  test('of one that has left nothing stays, and the others do', async () => {
    const metrics = createAccountsMetrics();
    metrics.of('AC1').update(now);
    metrics.of('AC2').update(now);
    await metrics.remove('AC2');
    const page = await show(metrics);
    expect(page).not.toContain('AC2');
    expect(page).toContain('conversation_sync_lease_held{account="AC1"} 0');
  });

  test('without a file nothing has an account', async () => {
    expect(await fullPage()).not.toMatch(/account="|_in_sync|accounts_refused/);
  });
});
