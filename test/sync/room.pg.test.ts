// More bodies than are held at once, and then a load fails: whoever waits for room, which nobody gives back now, must not
// wait for ever.

import { expect, test } from 'vitest';
import { World } from '../world.ts';

/** So many, so large, that 24 MB are held while the first batch is stored, and the next ones wait. */
const conversations = 600;
const bytes = 300_000;

test('a load fails while details wait for room: the pass ends with its error, and the next one goes on', async () => {
  await using world = await World.open({
    conversations,
    days: 1,
    faults: [{ on: 'detail', fault: { kind: 'huge', bytes } }],
  });
  // The first whole batch takes its time; the second one meets a full disk.
  await world.pool.query(`create sequence loads;
    create function twilio.refuse() returns trigger language plpgsql as $$ declare n bigint; begin
      if (select count(*) from fresh) < 10 then return null; end if;
      n := nextval('loads');
      if n = 1 then perform pg_sleep(3); end if;
      if n = 2 then raise exception 'on purpose' using errcode = '53100'; end if;
      return null; end $$;
    create trigger refuse after insert on twilio.conversations referencing new table as fresh execute function twilio.refuse()`);
  await expect(world.pass('new')).rejects.toThrow(/53100/);
  // 24 MB, the few on their way before it was known how large they are, and the batch that was stored.
  expect(world.simulator.requests.byEndpoint.detail * bytes).toBeLessThan(24e6 + 4 * bytes + 8e6);
  world.simulator.faults.clear();
  await world.pass('new', 'reconcile');
  expect((await world.differences()).filter((each) => !/ extra: /.test(each))).toEqual([]);
});
