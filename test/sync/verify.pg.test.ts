// Verification finds what no sweep would, tells it from what the next sweep will find, and repairs it.

import { expect, test } from 'vitest';
import { World } from '../world.ts';

test('an equal copy has nothing to find, also where the API shuffles', async () => {
  await using world = await World.open({
    conversations: 120,
    days: 40,
    wild: true,
    switches: { unstableOrder: 'itemsAndDetails' },
  });
  await world.sync();
  expect(await world.verify('full')).toEqual({ checked: 120, findings: [] });
  expect(await world.verify(50)).toEqual({ checked: 50, findings: [] });
});

test('drift is told from change', async () => {
  await using world = await World.open({ conversations: 120, days: 40 });
  await world.sync();
  const [redacted = '', lost = '', altered = '', gone = '', talking = '', removed = ''] = world.source.ids();
  world.source.redact(redacted, { silent: true, text: '[redacted]' });
  await world.pool.query('delete from twilio.communications where conversation_id = $1 and position = 0', [lost]);
  await world.pool.query(`update twilio.participants set name = 'Mallory' where conversation_id = $1`, [altered]);
  await world.pool.query('delete from twilio.conversations where id = $1', [gone]);
  world.source.say(talking, 'Hello?');
  world.source.remove(removed);
  const { checked, findings } = await world.verify('full');
  expect(checked).toBe(119);
  const sorted = findings.toSorted((a, b) => a.id.localeCompare(b.id));
  expect(sorted).toEqual(
    [
      { id: redacted, kind: 'drift', where: ['communications.text'] },
      { id: lost, kind: 'drift', where: ['communications.row missing'] },
      { id: altered, kind: 'drift', where: ['participants.name'] },
      {
        id: gone,
        kind: 'drift',
        where: expect.arrayContaining(['conversations.row missing', 'communications.row missing']),
      },
      { id: talking, kind: 'changed', where: ['conversations.updated_at', 'communications.row missing'] },
      { id: removed, kind: 'changed', where: ['not listed'] },
    ].toSorted((a, b) => a.id.localeCompare(b.id)),
  );
  expect(
    (await world.verify(500)).findings
      .filter(({ kind }) => kind === 'drift')
      .map(({ id }) => id)
      .sort(),
  ).toEqual([redacted, lost, altered].sort());

  await world.fetch(findings.filter(({ where }) => where[0] !== 'not listed').map(({ id }) => id));
  await world.sync({ reconcile: true });
  expect(await world.differences()).toEqual([]);
  expect(await world.verify('full')).toEqual({ checked: 119, findings: [] });
});
