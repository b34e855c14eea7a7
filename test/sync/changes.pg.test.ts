// What happens to a conversation after it was stored, and which sweep finds it: each change is in Postgres after the next
// sweep that can see it, and `synced_at` moves for that conversation alone.

import { describe, expect, test } from 'vitest';
import type { WireConversationDetail } from '../../src/twilio/wire.ts';
import { World } from '../world.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A conversation with a customer, an agent, two utterances and a result, so long ago. */
function put(world: World, agoMs: number, fields: Partial<WireConversationDetail> = {}): string {
  const at = (afterMs: number) => new Date(world.nowMs - agoMs + afterMs).toISOString().replace('Z', '123456Z');
  const { id } = world.source.create({
    createdAt: at(0),
    updatedAt: at(1000),
    status: 'ACTIVE',
    channels: ['VOICE', 'SMS'],
    participants: [
      { id: 'conv_participant_customer', name: 'Ada', type: 'CUSTOMER', addressValues: ['+15550100', '+15550101'] },
      { id: 'conv_participant_agent', name: 'Ben', type: 'HUMAN_AGENT', addressValues: ['client:ben'] },
    ],
    communications: [
      {
        id: 'conv_communication_1',
        participantId: 'conv_participant_customer',
        content: { text: 'Hello' },
        createdAt: at(500),
      },
      {
        id: 'conv_communication_2',
        participantId: 'conv_participant_agent',
        content: { text: 'Good day' },
        createdAt: at(900),
      },
    ],
    operatorResultIds: ['intelligence_operatorresult_1'],
    ...fields,
  });
  return id;
}

/** Ids whose `synced_at` moved while `work` was done. */
async function movedBy(world: World, work: () => Promise<unknown>): Promise<string[]> {
  const { rows: before } = await world.pool.query<{ at: string }>(
    'select max(synced_at)::text as at from twilio.conversations',
  );
  await work();
  const { rows } = await world.pool.query<{ id: string }>(
    'select id from twilio.conversations where synced_at > $1 order by id',
    [before[0]?.at ?? '-infinity'],
  );
  return rows.map(({ id }) => id);
}

async function stored(world: World, id: string) {
  const { rows } = await world.pool.query('select status, deleted_at from twilio.conversations where id = $1', [id]);
  return rows[0];
}

describe('a change is found by the next sweep that can see it', () => {
  test('open: it goes on, then closes', async () => {
    await using world = await World.open();
    const ids = [put(world, 2 * day), put(world, 40 * day), put(world, 5 * hour, { status: 'CLOSED' })];
    await world.sync();
    for (const id of ids.slice(0, 2)) {
      world.nowMs += minute;
      world.source.say(id, 'And another thing');
      expect(await movedBy(world, () => world.pass('open'))).toEqual([id]);
      expect(await world.differences()).toEqual([]);
      world.nowMs += minute;
      world.source.close(id);
      expect(await movedBy(world, () => world.pass('open'))).toEqual([id]);
      expect(await stored(world, id)).toMatchObject({ status: 'CLOSED' });
      expect(await world.differences()).toEqual([]);
    }
  });

  test('new: it starts, also when it lists minutes late', async () => {
    await using world = await World.open();
    await world.sync();
    world.nowMs += minute;
    const first = world.source.create().id;
    world.nowMs += 1000;
    expect(await movedBy(world, () => world.pass('new'))).toEqual([first]);
    world.simulator.turn({ listLagMs: 9 * minute });
    world.nowMs += minute;
    const late = world.source.create().id;
    for (let passed = 0; passed < 8; passed += 1) {
      world.nowMs += minute;
      expect(await movedBy(world, () => world.pass('new'))).toEqual([]);
    }
    world.nowMs += minute + 1000;
    expect(await movedBy(world, () => world.pass('new'))).toEqual([late]);
  });

  test('lookback and reconcile: a late result with updatedAt unchanged', async () => {
    await using world = await World.open();
    const recent = put(world, 2 * day, { status: 'CLOSED' });
    const old = put(world, 50 * day, { status: 'CLOSED' });
    put(world, 51 * day, { status: 'CLOSED' });
    await world.sync();
    world.source.addResult(recent, { silent: true });
    world.source.addResult(old, { silent: true });
    expect(await movedBy(world, () => world.pass('new', 'open'))).toEqual([]);
    expect(await movedBy(world, () => world.pass('lookback'))).toEqual([recent]);
    expect(await movedBy(world, () => world.pass('reconcile'))).toEqual([old]);
    expect(await world.differences()).toEqual([]);
  });

  test('a participant is lost, with its addresses', async () => {
    await using world = await World.open();
    const id = put(world, hour);
    put(world, 2 * hour);
    await world.sync();
    world.source.removeParticipant(id, 'conv_participant_customer');
    expect(await movedBy(world, () => world.pass('lookback'))).toEqual([id]);
    expect(await world.differences()).toEqual([]);
  });

  test('deleted: not listed, and 404; its rows stay, and it may come back', async () => {
    await using world = await World.open();
    const ids = [put(world, hour), put(world, 60 * day)];
    put(world, 61 * day);
    await world.sync();
    for (const [id, sweep] of [
      [ids[0] ?? '', 'lookback'],
      [ids[1] ?? '', 'reconcile'],
    ] as const) {
      const whole = world.source.get(id);
      world.source.remove(id);
      expect(await movedBy(world, () => world.pass(sweep))).toEqual([id]);
      expect((await stored(world, id))?.deleted_at).not.toBeNull();
      const { rows } = await world.pool.query('select from twilio.communications where conversation_id = $1', [id]);
      expect(rows).toHaveLength(2);
      expect(await movedBy(world, () => world.pass(sweep))).toEqual([]);
      world.source.put(whole);
      expect(await movedBy(world, () => world.pass(sweep))).toEqual([id]);
      expect(await world.differences()).toEqual([]);
    }
  });

  test('after closing it is fetched once more, for what no listing shows', async () => {
    await using world = await World.open();
    const id = put(world, hour);
    await world.sync();
    world.nowMs += minute;
    world.source.close(id);
    await world.pass('new', 'open');
    world.source.redact(id, { silent: true, text: '[redacted]' });
    world.nowMs += 59 * minute;
    expect(await movedBy(world, () => world.pass('new', 'open', 'lookback'))).toEqual([]);
    world.nowMs += 2 * minute;
    expect(await movedBy(world, () => world.pass())).toEqual([id]);
    expect(await world.differences()).toEqual([]);
    world.source.redact(id, { silent: true, text: '[gone]' });
    world.nowMs += 23 * hour;
    expect(await movedBy(world, () => world.pass())).toEqual([id]);
    world.nowMs += 30 * day;
    world.simulator.requests.reset();
    await world.pass('lookback');
    expect(world.simulator.requests.detailIds()).toEqual([]);
  });

  test('a detail that is older than its list item is asked for again, and never takes the place of a newer one', async () => {
    await using world = await World.open();
    const id = put(world, hour);
    await world.sync();
    world.simulator.turn({ detailLagMs: 8_000 });
    world.nowMs += minute;
    world.source.say(id, 'Still there?');
    await world.pass('open');
    expect(await world.differences()).not.toEqual([]);
    world.nowMs += 3_000;
    await world.pass();
    expect(await world.differences()).not.toEqual([]);
    world.nowMs += 10_000;
    expect(await movedBy(world, () => world.pass())).toEqual([id]);
    expect(await world.differences()).toEqual([]);
    world.simulator.requests.reset();
    world.nowMs += 5 * minute;
    await world.pass('open');
    expect(world.simulator.requests.detailIds()).toEqual([]);
  });

  test('a list item that promises what its detail never has is believed after the third time', async () => {
    await using world = await World.open({ switches: { detailsWithout: ['operatorResultIds', 'communications'] } });
    const id = put(world, hour);
    await world.sync();
    expect(world.simulator.requests.detailIds()).toEqual([id, id, id, id]);
    world.simulator.requests.reset();
    await world.sync({ reconcile: true });
    expect(world.simulator.requests.detailIds()).toEqual([]);
  });

  test('a detail without communications, which no list promises, is asked for once more', async () => {
    await using world = await World.open({ switches: { detailsWithout: ['communications'] } });
    const id = put(world, hour);
    await world.sync();
    expect(world.simulator.requests.detailIds()).toEqual([id, id]);
    await world.sync({ reconcile: true });
    expect(world.simulator.requests.detailIds()).toEqual([id, id]);
  });

  test('an array that the detail does not have leaves what is stored; an empty one empties it', async () => {
    await using world = await World.open();
    const id = put(world, hour);
    await world.sync();
    const whole = world.source.get(id);
    const { channels: _channels, ...rest } = whole;
    world.source.put({ ...rest, participants: null, communications: null, name: 'Lacking' });
    await world.sync();
    const count = async (table: string) => {
      const { rows } = await world.pool.query<{ count: number }>(
        `select count(*)::int as count from twilio.${table} where conversation_id = $1`,
        [id],
      );
      return rows[0]?.count;
    };
    expect(
      await Promise.all(
        ['communications', 'participants', 'participant_addresses', 'conversation_channels'].map(count),
      ),
    ).toEqual([2, 2, 3, 2]);
    world.source.put({ ...whole, participants: [], communications: [], channels: [], name: 'Empty' });
    await world.sync();
    expect(
      await Promise.all(
        ['communications', 'participants', 'participant_addresses', 'conversation_channels'].map(count),
      ),
    ).toEqual([0, 0, 0, 0]);
  });

  test('a start moved back is filled, and nothing else is fetched again', async () => {
    await using world = await World.open({
      conversations: 60,
      days: 60,
      settings: { start: Date.UTC(2026, 4, 20) / 1000 },
    });
    await world.sync();
    const before = world.simulator.requests.detailIds().length;
    expect(before).toBeLessThan(60);
    await world.restart({ settings: { start: Date.UTC(2026, 0, 1) / 1000 } });
    world.simulator.requests.reset();
    await world.sync();
    expect(await world.differences()).toEqual([]);
    expect(world.simulator.requests.detailIds()).toHaveLength(60 - before);
  });

  test('instants just before, at and after every edge of a window or slice are kept', async () => {
    await using world = await World.open();
    const edges = [10 * minute, 3 * day, 3 * day + day, 4 * day + 2 * day, 33 * day, 63 * day, 93 * day];
    const ids = edges.flatMap((ago) =>
      [-1, 0, 1].map((micro) => {
        const whole = new Date(world.nowMs - ago - (micro < 0 ? 1000 : 0)).toISOString().slice(0, 19);
        const fraction = micro < 0 ? '.999999' : micro > 0 ? '.000001' : '';
        return put(world, ago, { createdAt: `${whole}${fraction}Z`, status: 'CLOSED' });
      }),
    );
    await world.sync();
    expect(await world.differences()).toEqual([]);
    expect(world.simulator.requests.detailIds().sort()).toEqual([...ids].sort());
  });
});
