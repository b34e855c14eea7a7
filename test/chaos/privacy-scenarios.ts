// Small plays for what may not be stored. Each ends with the first thing that is wrong, or null.

import { openDatabase } from '../../src/postgres/database.ts';
import { forget } from '../../src/postgres/tombstones.ts';
import { createMask, type MaskSettings } from '../../src/sync/mask.ts';
import { dumpOf, foundIn } from '../dump.ts';
import { traces } from '../privacy/masked.ts';
import { maskKey, World } from '../world.ts';

const minute = 60_000;
const masks: MaskSettings = { omit: ['texts', 'names', 'results', 'extra'], hash: ['addresses'], key: maskKey };

/** Masks are set for a database that has everything. Then results are asked for by id, and one answer cannot be read. */
async function masked(): Promise<string | null> {
  await using world = await World.open({
    ...{ conversations: 30, days: 5, results: true },
    switches: { resultsOfAll: 'refused' },
  });
  await world.sync();
  await world.restart({ mask: masks });
  await world.sync();
  const unreadable = 'Call me: tomorrow at noon';
  for (const createdAt of [new Date(world.nowMs).toISOString(), unreadable]) {
    const participants = [{ id: 'p', name: 'Somebody new', type: 'CUSTOMER', addressValues: ['+4915550999'] }];
    const communications = [{ id: 'm', participantId: 'p', createdAt, content: { text: 'What nobody may know' } }];
    const { id } = world.source.create({ status: 'CLOSED', participants, communications });
    world.source.addResult(id, { fields: { result: { text: 'They know what nobody may know' } } });
  }
  for (let tick = 0; tick < 3; tick += 1) {
    world.nowMs += 10 * minute;
    await world.pass('new', 'open');
  }
  const said = [await dumpOf(world.pool), ...world.news, ...world.warnings].join('\n');
  const [found] = foundIn(said, [unreadable, ...traces(world, createMask(masks))]);
  if (found !== undefined) return `${JSON.stringify(found)} may not be stored, and is`;
  const { rowCount } = await world.pool.query('select from twilio_sync.quarantine');
  return rowCount === 1 ? null : `${rowCount} in quarantine, where one cannot be read`;
}

/** Somebody is forgotten whose conversation is due. */
async function dueForgotten(): Promise<string | null> {
  await using world = await World.open({ conversations: 20, days: 2 });
  await world.sync();
  const { rows } = await world.pool.query<{ id: string }>('select conversation_id as id from twilio_sync.due limit 1');
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return 'nothing is due';
  const database = openDatabase(world.database.connection);
  await forget(database, ids);
  await database.close();
  const [found] = foundIn(await dumpOf(world.pool), ids);
  return found === undefined ? null : `${found} was forgotten, and is in the database`;
}

export const privacyScenarios = { masked, dueForgotten };
