// The status page as it is rendered: what is said of each state, and that nothing whatever that comes from elsewhere
// becomes markup.

import { expect, test } from 'vitest';
import { month } from '../../src/server/page/charts.ts';
import { html } from '../../src/server/page/html.ts';
import { renderPage } from '../../src/server/page/page.ts';
import type { PageView } from '../../src/server/view.ts';
import { judge } from '../../src/status/judge.ts';
import type { ResultFacts } from '../../src/status/results.ts';
import { aRun, aWalk, inSync, someCounts, someFacts, someRecords, someResults } from './example.ts';

const none = { '2xx': 0, '3xx': 0, '4xx': 0, '429': 0, '5xx': 0, none: 0 };
const counts = { '2xx': 1200, '3xx': 0, '4xx': 0, '429': 3, '5xx': 0, none: 0 };

function aView(changes: Partial<PageView> = {}): PageView {
  return {
    status: inSync,
    facts: someFacts(),
    databaseUp: true,
    readiness: { ready: true, code: 'in_sync' },
    process: { phase: 'working', heldBy: null, failure: null, migrating: null },
    records: someRecords(),
    counts: someCounts(),
    countedSecondsAgo: 7,
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
  expect(text).toContain('In sync , as of 4 s ago');
  expect(text).toContain('Every pass has succeeded since 14 Jun 2026, 08:00:00 UTC.');
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
  const page = renderPage(
    aView({ facts: someFacts({ progress }), status: { ...inSync, state: 'loading', code: 'loading' } }),
  );
  expect(textOf(page)).toContain('Loading history: 62 %, about 3 min left 62 % 62 of 100 days of history');
  expect(textOf(page)).toContain('What is new is in sync, as of 4 s ago.');
  expect(page).toContain('<progress max="1" value="0.62" aria-label="History loaded">');
});

test('out of sync: why, since when, up to when it is whole, and what to do', () => {
  const trouble = { outcome: 'failed', error: 'the API refused the key' } as const;
  const facts = someFacts(
    {
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
      quarantine: 25,
    },
    { trouble, failingSince: '2026-06-15T09:30:00Z' },
  );
  const records = someRecords({
    runs: [
      aRun({ outcome: 'failed', error: 'the API refused the key' }),
      aRun({ outcome: null, endedAt: null, seconds: null }),
    ],
    quarantined: [
      {
        id: 'conv_1',
        operatorResultId: null,
        reason: 'no createdAt',
        since: '2026-06-15T01:00:00Z',
        attempts: 4,
        nextAttemptAt: null,
      },
    ],
  });
  const status = judge({ facts, databaseTrouble: null, process: null, isTooOld: () => false });
  const text = textOf(renderPage(aView({ facts, records, status })));
  expect(text).toContain('Out of sync the API refused the key');
  expect(text).toContain('New conversations are stored up to 09:59:56 UTC , 4 s ago.');
  expect(text).toContain('No pass has succeeded since 09:30:00 UTC.');
  expect(text).toContain('600 of 3,000 conversations were not listed');
  expect(text).toContain('A range cannot be listed (new): 09:00:00 UTC to 09:10:00 UTC , 3 times: no end');
  expect(text).toContain('failed 12 listed the API refused the key');
  expect(text).toContain('not ended');
  expect(text).toMatch(/conv_1 no createdAt 01:00:00 UTC 4 not by itself/);
  expect(text).toContain('And 24 more');
});

test('operator results: stored, awaited, loading, refused', () => {
  const page = (results: Partial<ResultFacts>) => {
    const facts = someFacts({ results: someResults(results) });
    const status = judge({ facts, databaseTrouble: null, process: null, isTooOld: () => false });
    return textOf(renderPage(aView({ facts, status })));
  };
  expect(textOf(renderPage(aView()))).toContain('Operator results 24,001 links');
  expect(page({})).toContain('Operator results 23,990 none is awaited');
  expect(page({ awaited: 11 })).toContain('Operator results 23,990 11 results awaited');
  const loading = page({ loadedAt: null, walk: aWalk });
  expect(loading).toContain('Loading operator results: 12,000 listed, back to 3 May 2026');
  expect(loading).toContain('Operator results 23,990 loading: 12,000 listed');
  expect(page({ refused: 'the key may not' })).toContain('The API shows no operator results, so they are asked for');
  expect(page({ braked: { expected: 100, missing: 50 } })).toContain('50 of 100 operator results were not listed.');
});

test('whatever is not known yet, or cannot be, there is a page', () => {
  const view = (facts: PageView['facts'], databaseTrouble: string | null, changes: Partial<PageView> = {}) => {
    const { process } = aView(changes);
    const status = judge({ facts, databaseTrouble, process, isTooOld: () => false });
    return textOf(renderPage(aView({ facts, status, databaseUp: databaseTrouble === null, ...changes })));
  };
  expect(view(null, null, { records: null, counts: null, requests: null })).toContain('Starting');
  const away = view(someFacts(), 'the server cannot be reached');
  expect(away).toContain('The database cannot be used the server cannot be reached');
  expect(away).toContain('Conversations 12,345');
  const never = { listedUpTo: null, listedSecondsAgo: null, lastTickAt: null, lastTickSecondsAgo: null };
  const page = view(someFacts(never), null, { counts: null });
  expect(page).toContain('Nothing is stored yet The first listing has begun.');
  expect(page).toContain('Conversations …');
  const process = { phase: 'standby', heldBy: 'run on other', failure: null, migrating: null } as const;
  expect(view(someFacts(), null, { requests: null, process })).toContain(
    'This replica is on standby: run on other holds',
  );
});

test('no value of the database becomes markup, wherever it stands', () => {
  const hostile = `<img src=x onerror="alert('1')">&amp;`;
  // Nothing of the kind comes from a date column.
  const at = '2026-06-15T09:00:00Z';
  const facts = someFacts({
    accountSid: hostile,
    worker: hostile,
    braked: [{ sweep: hostile, expected: 1, missing: 1 }],
    pendingWindows: [{ sweep: hostile, from: at, to: at, cursor: at, failures: 1, error: hostile }],
    quarantine: 1,
  });
  const records = someRecords({
    runs: [aRun({ command: hostile, outcome: hostile, error: hostile }), ...[aRun(), aRun()]],
    quarantined: [
      { id: hostile, operatorResultId: hostile, reason: hostile, since: at, attempts: 1, nextAttemptAt: at },
    ],
  });
  const page = renderPage(
    aView({
      ...{ facts, records },
      status: { state: 'out_of_sync', code: 'failing', since: null, reason: hostile },
      readiness: { ready: true, code: 'standby', reason: hostile },
      process: { phase: 'standby', heldBy: hostile, failure: null, migrating: null },
    }),
  );
  expect(page.split('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;amp;').length).toBeGreaterThan(10);
  expect(page).not.toContain('<img');
  expect(page).not.toMatch(/\son\w+="/);
});

test('nothing is inline and nothing comes from elsewhere', () => {
  const page = renderPage(aView());
  expect(page).not.toMatch(/\sstyle="|<style|<script(?! src="status\/)|javascript:|https?:/);
});

test('a month: weeks from left to right, Monday at the top, what each day is', () => {
  const days = someCounts({}, 3).days.map((day, index) => ({
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
