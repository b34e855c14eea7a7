// Live traffic, stepped through by hand: an hour of it passes in no time, the same by its seed.

import { describe, expect, test, vi } from 'vitest';
import { fillSource } from '../../src/simulator/seed.ts';
import { Source } from '../../src/simulator/source.ts';
import { Traffic, type TrafficOptions } from '../../src/simulator/traffic.ts';

const startMs = Date.parse('2026-06-01T12:00:00Z');

function run(minutes: number, options: TrafficOptions = {}, seeded = 0): Source {
  let nowMs = startMs;
  const source = new Source({ accountId: 'AC1', now: () => nowMs });
  if (seeded > 0) fillSource(source, { conversations: seeded, untilMs: startMs, days: 1 });
  using traffic = new Traffic(source, options);
  for (; nowMs <= startMs + minutes * 60_000; nowMs += 250) traffic.step(nowMs);
  return source;
}

describe('traffic', () => {
  test('starts conversations, lets them go on and closes them', () => {
    const all = run(60).all();
    expect(all.length).toBeGreaterThan(900);
    expect(all.length).toBeLessThan(1500);
    expect(new Set(all.map(({ status }) => status))).toContain('ACTIVE');
    const closed = all.filter(({ status }) => status === 'CLOSED');
    expect(closed.length).toBeGreaterThan(800);
    // The others were broken off, or nobody answered.
    const whole = closed.filter(({ communications }) => (communications?.length ?? 0) > 8);
    expect(whole.length).toBeGreaterThan(closed.length * 0.8);
    expect(whole.length).toBeLessThan(closed.length);
  });

  test('brings operator results late, at times with updatedAt unchanged', () => {
    const closed = run(60)
      .all()
      .filter(({ status }) => status === 'CLOSED');
    const withResults = closed.filter(({ operatorResultIds }) => (operatorResultIds ?? []).length > 0);
    const lastSaid = (conversation: (typeof closed)[number]) =>
      Date.parse(conversation.communications?.at(-1)?.createdAt ?? '');
    const movedLate = withResults.filter((held) => Date.parse(held.updatedAt ?? '') > lastSaid(held) + 60_000);
    expect(withResults.length).toBeGreaterThan(closed.length / 2);
    expect(movedLate.length).toBeGreaterThan(0);
    expect(movedLate.length).toBeLessThan(withResults.length);
  });

  test('brings operator results of all formats, of what was said', () => {
    const source = run(60);
    const results = source.results();
    const formats = new Set(results.map(({ outputFormat }) => outputFormat));
    expect([...formats].sort()).toEqual(['CLASSIFICATION', 'EXTRACTION', 'JSON', 'TEXT']);
    const extractions = results.filter(({ outputFormat }) => outputFormat === 'EXTRACTION');
    const labels = new Set<string>();
    for (const { conversationId, result } of extractions) {
      const { communications } = source.get(conversationId);
      const talk = (communications ?? []).map(({ content }) => content?.text).join('\n');
      const isRedacted = talk.includes('[redacted]');
      for (const { text, label } of (result as { entities: { text: string; label: string }[] }).entities) {
        if (!isRedacted) expect(talk).toContain(text);
        labels.add(label);
      }
    }
    expect([...labels].sort()).toEqual(['AMOUNT', 'EMAIL', 'ORDER', 'PERSON', 'PLACE', 'PRODUCT']);
  });

  test('has a few conversations deleted', () => {
    let nowMs = startMs;
    const source = new Source({ accountId: 'AC1', now: () => nowMs });
    using traffic = new Traffic(source, { lateResultMs: 60_000 });
    const seen = new Set<string>();
    for (; nowMs <= startMs + 2 * 3_600_000; nowMs += 10_000) {
      traffic.step(nowMs);
      for (const id of source.ids()) seen.add(id);
    }
    const deleted = seen.size - source.size;
    expect(deleted).toBeGreaterThan(5);
    expect(deleted).toBeLessThan(seen.size * 0.03);
  });

  test('closes what a seed left open', () => {
    const open = (source: Source) =>
      source.all().filter(({ status, createdAt }) => status !== 'CLOSED' && Date.parse(createdAt) < startMs);
    expect(open(run(0, {}, 200)).length).toBeGreaterThan(10);
    expect(open(run(40, { startsPerMinute: 1 }, 200))).toEqual([]);
  });

  test('is the same by its seed', () => {
    expect(run(5, { seed: 2 }).all()).toEqual(run(5, { seed: 2 }).all());
    expect(run(5, { seed: 2 }).all()).not.toEqual(run(5, { seed: 3 }).all());
  });

  test('goes on although conversations vanish', () => {
    let nowMs = startMs;
    const source = new Source({ accountId: 'AC1', now: () => nowMs });
    using traffic = new Traffic(source, { startsPerMinute: 60 });
    for (; nowMs <= startMs + 300_000; nowMs += 1000) {
      traffic.step(nowMs);
      for (const id of source.ids().slice(0, 1)) source.remove(id);
    }
    expect(source.size).toBeLessThan(200);
  });

  test('runs by a clock until it is stopped', async () => {
    let nowMs = startMs;
    const source = new Source({ accountId: 'AC1', now: () => nowMs });
    using traffic = new Traffic(source, { startsPerMinute: 600, now: () => (nowMs += 10_000) });
    traffic.start(1);
    await vi.waitUntil(() => source.size > 0, { interval: 1, timeout: 60_000 });
    traffic.stop();
    const { version } = source;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(source.version).toBe(version);
  });
});
