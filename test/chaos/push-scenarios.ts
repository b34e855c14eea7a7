// Small plays for what webhooks announce: during a fetch, beside a pass that got an older answer, of what is not to be stored, where
// nobody takes webhooks any more. Each ends with the first thing that is wrong, or null.

import { type Database, openDatabase } from '../../src/postgres/database.ts';
import { createPushedStore, putPushed } from '../../src/postgres/pushed.ts';
import type { Api, Context } from '../../src/sync/context.ts';
import { syncIds } from '../../src/sync/once.ts';
import { openPushFlow } from '../../src/sync/pushed.ts';
import { World, type WorldOptions } from '../world.ts';

const second = 1_000;
const first = (found: string[]) => found[0] ?? null;

interface Play {
  world: World;
  push(id: string): Promise<void>;
  /** Fetches what is due, until it is stored. */
  serve(detail?: Api['detail']): Promise<void>;
}

async function play(options: WorldOptions, act: (play: Play) => Promise<string | null>): Promise<string | null> {
  await using world = await World.open({ conversations: 8, days: 5, ...options });
  await world.sync();
  const database = openDatabase({ ...world.database.connection, application_name: 'pushes' });
  try {
    const push = (id: string) => putPushed(database, [{ conversationId: id, resultIds: [] }], 1);
    return await act({ world, push, serve: (detail) => serve(world, database, detail) });
  } finally {
    await database.close();
  }
}

async function serve(world: World, database: Database, detail?: Api['detail']): Promise<void> {
  const context = await world.context();
  const ended = new AbortController();
  const flow = openPushFlow({
    context: detail ? withDetail(context, detail) : context,
    store: createPushedStore(database),
    signal: ended.signal,
    monotonicMs: () => world.nowMs,
    onStored: () => {},
  });
  await flow.look();
  await Promise.race([flow.idle(), flow.failure]);
  ended.abort();
}

function withDetail(context: Context, detail: Api['detail']): Context {
  return { ...context, api: Object.create(context.api, { detail: { value: detail } }) };
}

function rename({ source }: World, id: string, name: string): void {
  source.put({ ...source.get(id), name, updatedAt: source.stamp() });
}

/** It is announced again once its answer is on the way: that answer is not the last. */
const pushedMeanwhile = () =>
  play({}, async ({ world, push, serve: flow }) => {
    const [id = ''] = world.source.ids();
    const { api } = await world.context();
    await push(id);
    await flow(async (...asked) => {
      const outcome = await api.detail(...asked);
      rename(world, id, 'Later');
      await push(id);
      return outcome;
    });
    world.nowMs += 5 * second;
    await flow();
    return first(await world.differences());
  });

/** The pass's request is sent again after the flow's: its answer is the newer one, though it was begun first. */
const pushedBeside = () =>
  play({}, async ({ world, push, serve: flow }) => {
    const [id = ''] = world.source.ids();
    const context = await world.context();
    const isSent = Promise.withResolvers<void>();
    const isStored = Promise.withResolvers<void>();
    const isBegun = Promise.withResolvers<void>();
    const passing = syncIds(
      withDetail(context, async (asked, limit, signal, options) => {
        options?.onSend?.();
        isBegun.resolve();
        // That was in vain.
        await isSent.promise;
        return await context.api.detail(asked, limit, signal, options);
      }),
      [id],
      AbortSignal.timeout(60_000),
    );
    await isBegun.promise;
    await push(id);
    const serving = flow(async (...asked) => {
      const outcome = await context.api.detail(...asked);
      rename(world, id, 'Newer');
      isSent.resolve();
      await isStored.promise;
      return outcome;
    });
    await passing;
    isStored.resolve();
    await serving;
    return first(await world.differences());
  });

/** Only what a listing would show is stored. */
const pushedOutside = () =>
  play({ filters: { channels: ['VOICE'] } }, async ({ world, push, serve: flow }) => {
    const { id } = world.source.create({ channels: ['CHAT'] });
    await push(id);
    await flow();
    const { rowCount } = await world.pool.query('select from twilio.conversations where id = $1', [id]);
    return rowCount === 0 ? null : `${id} is stored, and no listing shows it`;
  });

/** Nobody takes webhooks any more: a pass fetches what is left. */
const pushedLeft = () =>
  play({}, async ({ world, push }) => {
    const [id = ''] = world.source.ids();
    rename(world, id, 'Left');
    await push(id);
    await world.pool.query(`update twilio_sync.due set first_at = to_timestamp($1) where reason = 'pushed'`, [
      world.nowMs / second,
    ]);
    world.nowMs += 31 * second;
    await world.pass('open');
    return first(await world.differences());
  });

export const pushScenarios = { pushedMeanwhile, pushedBeside, pushedOutside, pushedLeft };
