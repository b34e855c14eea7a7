// The simulator over HTTP, as it is without any switch turned.

import { describe, expect, test } from 'vitest';
import { fillSource } from '../../src/simulator/seed.ts';
import { startSimulator } from '../../src/simulator/server.ts';
import { get, walk } from './requests.ts';

const untilMs = Date.parse('2026-06-01T00:00:00Z');

describe('the list', () => {
  test('walks every conversation exactly once, newest first', async () => {
    await using simulator = await startSimulator({ now: () => untilMs });
    fillSource(simulator.source, { conversations: 237, untilMs });
    const items = await walk(simulator, { pageSize: '50' });
    expect(items.map(({ id }) => id)).toEqual(simulator.source.ids().reverse());
    expect(simulator.requests.byEndpoint.list).toBe(5);
  });

  test('shows all of a conversation but its communications, and the detail shows those', async () => {
    await using simulator = await startSimulator({ now: () => untilMs });
    fillSource(simulator.source, { conversations: 10, untilMs });
    const items = await walk(simulator);
    for (const item of items) {
      const { communications: _, ...head } = simulator.source.get(item.id);
      expect(item).toEqual(head);
      const detail = await get(simulator, `/v3/Conversations/${item.id}`);
      expect(detail.status).toBe(200);
      expect(detail.json).toEqual(simulator.source.get(item.id));
    }
  });
});
