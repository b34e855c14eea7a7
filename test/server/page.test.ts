// The status page as it is rendered: what is said of each state, and that nothing whatever that comes from elsewhere
// becomes markup.

import { expect, test } from 'vitest';
import { month } from '../../src/server/page/charts.ts';
import { html } from '../../src/server/page/html.ts';
import { type PageView, renderPage } from '../../src/server/page/page.ts';
import { aRun, aStanding, aVolume } from './example.ts';

const none = { '2xx': 0, '3xx': 0, '4xx': 0, '429': 0, '5xx': 0, none: 0 };
const counts = { '2xx': 1200, '3xx': 0, '4xx': 0, '429': 3, '5xx': 0, none: 0 };

function aView(changes: Partial<PageView> = {}): PageView {
  return {
    readiness: { ready: true },
    databaseTrouble: null,
    standing: { value: aStanding(), ageSeconds: 2 },
    volume: { value: aVolume(), ageSeconds: 7 },
    requests: {
      requests: { list: counts, detail: counts, results: counts, result: none, names: none },
      retries: 3,
      bytes: 1,
      limit: 32,
      inFlight: 2,
      perSecond: 12.34,
    },
    upSeconds: 7200,
    version: '1.2.3',
    assets: 'abc',
    ...changes,
  };
}

/** What a reader sees: without tags, entities undone, each run of space one. */
function textOf(page: string): string {
  const text = page.replace(/<(title|head)[\s>].*?<\/\1>/gs, '').replace(/<[^>]*>/g, ' ');
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };
  return text.replace(/&(#?\w+);/g, (_, name: string) => entities[name] ?? '?').replace(/\s+/g, ' ');
}

test('a template escapes whatever it is given, but for templates', () => {
  const hostile = `<script>"'&`;
  const escaped = '&lt;script&gt;&quot;&#39;&amp;';
  expect(String(html`<p title="${hostile}">${hostile}</p>`)).toBe(`<p title="${escaped}">${escaped}</p>`);
  expect(String(html`${[html`<b>${hostile}</b>`, hostile, 0]}${null}${undefined}${false}`)).toBe(
    `<b>${escaped}</b>${escaped}0`,
  );
  expect(String(html`${'a\u202eb\u0000c\nd'}`)).toBe('a\ufffdb\ufffdc\nd');
  // What only looks like a template is no template.
  expect(String(html`${{ toString: () => '<b>' } as unknown as string}`)).toBe('&lt;b&gt;');
});

test('in sync: the sentence, numbers grouped, every run, instants in UTC', () => {
  const text = textOf(renderPage(aView()));
  expect(text).toContain('In sync , as of 6 s ago');
  expect(text).toContain('Every pass has gone well since 14 Jun 2026, 08:00:00 UTC.');
  expect(text).toContain('Conversations 12,345');
  expect(text).toContain('Communications 234,567');
  expect(text).toContain('40 of 40 days of history were listed completely');
  expect(text).toMatch(/09:59:56 UTC ok 12 listed, 3 fetched, 3 stored 12 3 3 0 0 850 ms/);
  expect(text).toContain('List 1,200 3');
  expect(text).toContain('2 of at most 32, 12.3 a second');
  expect(text).toContain('Running for 2 h');
  expect(text).not.toContain('quarantine: see');
});

test('loading: how far, how long, and what is in sync meanwhile', () => {
  const progress = { sweep: 'backfill', startedAt: '', days: 100, daysLeft: 38, done: 0.62, secondsLeft: 170 } as const;
  const standing = { value: aStanding({ state: 'loading', progress }), ageSeconds: 0 };
  const page = renderPage(aView({ standing }));
  expect(textOf(page)).toContain('Loading history: 62 %, about 3 min left 62 % 62 of 100 days of history');
  expect(textOf(page)).toContain('What is new is in sync, as of 4 s ago.');
  expect(page).toContain('<progress max="1" value="0.62" aria-label="History loaded">');
});

test('out of sync: why, since when, up to when it is whole, and what to do', () => {
  const value = aStanding({
    state: 'out_of_sync',
    reason: 'the API refused the key',
    since: '2026-06-15T09:30:00Z',
    braked: [{ sweep: 'reconcile', expected: 3000, missing: 600 }],
    pendingWindows: [
      {
        sweep: 'new',
        from: '2026-06-15T09:00:00Z',
        to: '2026-06-15T09:10:00Z',
        cursor: '',
        failures: 3,
        error: 'no end',
      },
    ],
    runs: [
      aRun({ outcome: 'failed', error: 'the API refused the key' }),
      aRun({ outcome: null, endedAt: null, seconds: null }),
    ],
    quarantine: 25,
    quarantined: [
      { id: 'conv_1', reason: 'no createdAt', since: '2026-06-15T01:00:00Z', attempts: 4, nextAttemptAt: null },
    ],
  });
  const text = textOf(renderPage(aView({ standing: { value, ageSeconds: 0 } })));
  expect(text).toContain('Out of sync the API refused the key');
  expect(text).toContain('New conversations are stored up to 09:59:56 UTC , 4 s ago.');
  expect(text).toContain('No pass has gone well since 09:30:00 UTC.');
  expect(text).toContain('600 of 3,000 conversations were not listed');
  expect(text).toContain('A stretch cannot be listed (new): 09:00:00 UTC to 09:10:00 UTC , 3 times: no end');
  expect(text).toContain('failed 12 listed the API refused the key');
  expect(text).toContain('not ended');
  expect(text).toMatch(/conv_1 no createdAt 01:00:00 UTC 4 not by itself/);
  expect(text).toContain('And 24 more');
});

test('whatever is not known yet, or cannot be, there is a page', () => {
  const nothing = { standing: null, volume: null, requests: null };
  expect(textOf(renderPage(aView({ ...nothing, readiness: { ready: false, reason: 'starting' } })))).toContain(
    'Starting',
  );
  const away = textOf(renderPage(aView({ databaseTrouble: 'the server cannot be reached' })));
  expect(away).toContain('The database cannot be used the server cannot be reached');
  expect(away).toContain('Conversations 12,345');
  const empty = aStanding({ state: 'empty', listedUpTo: null, listedSecondsAgo: null, runs: [], since: null });
  const page = textOf(renderPage(aView({ standing: { value: empty, ageSeconds: 0 }, volume: null })));
  expect(page).toContain('Nothing is stored yet The first listing is under way.');
  expect(page).toContain('Conversations …');
  const standby = renderPage(
    aView({ requests: null, readiness: { ready: true, reason: 'standing by for run on other' } }),
  );
  expect(textOf(standby)).toContain('This replica is standing by for run on other, and would take over.');
});

test('no value of the database becomes markup, wherever it stands', () => {
  const hostile = `<img src=x onerror="alert('1')">&amp;`;
  const value = aStanding({
    state: 'out_of_sync',
    since: hostile,
    reason: hostile,
    accountSid: hostile,
    listedUpTo: hostile,
    reconciledAt: hostile,
    worker: hostile,
    braked: [{ sweep: hostile, expected: 1, missing: 1 }],
    pendingWindows: [{ sweep: hostile, from: hostile, to: hostile, cursor: hostile, failures: 1, error: hostile }],
    runs: [
      aRun({ command: hostile, outcome: hostile, error: hostile, startedAt: hostile }),
      ...[aRun({ startedAt: hostile }), aRun({ startedAt: hostile })],
    ],
    quarantine: 1,
    quarantined: [{ id: hostile, reason: hostile, since: hostile, attempts: 1, nextAttemptAt: hostile }],
  });
  // Nothing of the kind comes from a date column; a page that is told nonsense still is a page.
  const readable = { ...value, since: null, at: '2026-06-15T10:00:00Z', listedUpTo: null, reconciledAt: null };
  const page = renderPage(
    aView({
      standing: { value: withInstants(readable, hostile), ageSeconds: 0 },
      readiness: { ready: false, reason: hostile },
      databaseTrouble: hostile,
    }),
  );
  expect(page.split('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;').length).toBeGreaterThan(10);
  expect(page).not.toContain('<img');
  expect(page).not.toMatch(/\son\w+="/);
});

/** The example's instants where the hostile text stands in place of one: a database gives no other. */
function withInstants<Shape>(value: Shape, hostile: string): Shape {
  const instants = new Set(['startedAt', 'since', 'from', 'to', 'cursor', 'nextAttemptAt']);
  return JSON.parse(JSON.stringify(value), (key, found: unknown) =>
    instants.has(key) && found === hostile ? '2026-06-15T09:00:00Z' : found,
  ) as Shape;
}

test('nothing is inline and nothing comes from elsewhere', () => {
  const page = renderPage(aView());
  expect(page).not.toMatch(/\sstyle="|<style|<script(?! src="status\/)|javascript:|https?:/);
});

test('a month: weeks from left to right, Monday at the top, what each day is', () => {
  const days = aVolume({}, 3).days.map((day, index) => ({
    ...day,
    day: `2026-06-0${[1, 7, 8][index]}`,
    listedCompletelyAt: [null, '2026-06-12T00:00:00Z', '2026-05-01T00:00:00Z'][index] ?? null,
    quarantined: index,
  }));
  const drawn = String(month(days, '2026-06-15T10:00:00Z'));
  const cells = Array.from(drawn.matchAll(/class="day-(\w+)" x="([\d.]+)" y="([\d.]+)"/g), ([, kind, x, y]) => [
    kind,
    x,
    y,
  ]);
  // 1 June 2026 is a Monday.
  expect(cells).toEqual([
    ['never', '0.5', '0.5'],
    ['week', '0.5', '78.5'],
    ['older', '13.5', '0.5'],
  ]);
  expect(drawn).toContain('aria-label="Jun 2026: 2 of 3 days listed completely, 3 in quarantine"');
  expect(drawn).toContain('<title>1 Jun 2026: not listed completely, 20 stored</title>');
});
