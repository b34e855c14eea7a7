// Which of what was listed is looked up: everything, but for open conversations that are listed as they were found stored.

import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/lib/json.ts';
import type { Context } from '../../src/sync/context.ts';
import { algorithm } from '../../src/sync/fingerprint.ts';
import { reduce } from '../../src/sync/list-whole.ts';
import type { DueRow, Known, Listed, Sweep, Window } from '../../src/sync/model.ts';
import { normalizerVersion } from '../../src/sync/normalize.ts';
import { runPipeline } from '../../src/sync/pipeline.ts';
import { slices } from '../../src/sync/slices.ts';
import { decodePage } from '../../src/twilio/decode.ts';
import { contextOf, now } from './context.ts';

const never = new AbortController().signal;

function pageOf(...items: JsonObject[]): Listed {
  const page = decodePage('GET list', {
    items: items.map((item) => ({ createdAt: new Date((now - 60) * 1000).toISOString(), status: 'ACTIVE', ...item })),
  });
  return { ...page, times: page.items.map(({ createdAt }) => createdAt) };
}

function knownOf(item: JsonObject, fields: Partial<NonNullable<Known['stored']>> = {}, due: DueRow[] = []): Known {
  const [listed] = pageOf(item).items;
  if (listed === undefined) throw new Error('no item was listed');
  const stored = {
    item: reduce(listed).fingerprint,
    detail: 'd',
    normalizer: normalizerVersion,
    generation: 1,
    children: 1,
    algorithm,
    policy: '',
    updatedAt: null,
  };
  return { stored: { ...stored, ...fields }, due, forgotten: false };
}

const closed: DueRow = {
  id: 'a',
  reason: 'closed',
  dueAt: now + 60,
  attempts: 0,
  firstAt: now,
  error: null,
  fingerprint: null,
  wants: null,
  createdFrom: null,
  number: 7,
  setAside: false,
};

/** A context whose list shows these, in a store that knows that of them; and what was looked up, and held to be shown before. */
function world(items: JsonObject[], known: Record<string, Known>) {
  const lookedUp: string[][] = [];
  const shown: Record<string, boolean>[] = [];
  const context = contextOf({
    api: {
      selective: true,
      async *list(stretch, status) {
        const isListed = status !== 'INACTIVE' && stretch.from <= now - 60 && stretch.to > now - 60;
        yield isListed ? pageOf(...items) : pageOf();
      },
    },
    store: {
      async known(ids) {
        lookedUp.push(ids);
        return new Map(ids.flatMap((id) => (known[id] === undefined ? [] : [[id, known[id]]])));
      },
      async findMissing(_stretch, _open, listed) {
        shown.push(Object.fromEntries(listed));
        return { expected: 0, missing: [] };
      },
      findLost: async () => ({ lost: [], last: null }),
      load: async () => ({ changed: 0, deleted: 0, erased: 0, due: false }),
    },
  });
  return { context, items, known, lookedUp, shown };
}

async function listed(context: Context, sweep: Sweep): Promise<string[]> {
  const window: Window = { id: 1, sweepId: 1, sweep, from: now - 100, to: now, cursor: now, failures: 0 };
  const found = await Array.fromAsync(slices(context, [window], never));
  return found.flatMap(({ changed }) => changed.map(({ id }) => id));
}

test('an open conversation that is listed as it was found stored is not looked up again, and counts as shown before', async () => {
  const { context, items, lookedUp, shown } = world([{ id: 'a' }, { id: 'b' }], { a: knownOf({ id: 'a' }) });
  expect(await listed(context, 'open')).toEqual(['b']);
  expect(await listed(context, 'open')).toEqual(['b']);
  expect(lookedUp).toEqual([['a', 'b'], ['b']]);
  expect(shown).toEqual([
    { a: true, b: false },
    { a: true, b: false },
  ]);

  items[0] = { id: 'a', name: 'Changed' };
  expect(await listed(context, 'open')).toEqual(['a', 'b']);
  expect(lookedUp.at(-1)).toEqual(['a', 'b']);
});

test.each<Sweep>(['new', 'lookback', 'reconcile'])('%s looks everything up', async (sweep) => {
  const { context, lookedUp } = world([{ id: 'a' }], { a: knownOf({ id: 'a' }) });
  await listed(context, 'open');
  await listed(context, sweep);
  expect(lookedUp).toEqual([['a'], ['a']]);
});

test.each<[string, Known]>([
  ['of which something is due', knownOf({ id: 'a' }, {}, [closed])],
  ['that other filters showed', knownOf({ id: 'a' }, { generation: 0 })],
  ['whose rows an older normalizer made', knownOf({ id: 'a' }, { normalizer: normalizerVersion - 1 })],
  ['that was deleted', knownOf({ id: 'a' }, { item: null })],
  ['whose fingerprints were made in another way', knownOf({ id: 'a' }, { policy: 'another' })],
])('one %s is looked up each time', async (_what, known) => {
  const { context, lookedUp } = world([{ id: 'a' }], { a: known });
  await listed(context, 'open');
  await listed(context, 'open');
  expect(lookedUp).toEqual([['a'], ['a']]);
});

test('what anything was loaded of, or was missing, is looked up again', async () => {
  const { context, lookedUp } = world([{ id: 'a' }, { id: 'b' }], { a: knownOf({ id: 'a' }), b: knownOf({ id: 'b' }) });
  await listed(context, 'open');
  expect([...context.share.remembered.keys()]).toEqual(['a', 'b']);
  context.api.detail = async () => ({ kind: 'gone' });
  const window: Window = { id: 1, sweepId: 1, sweep: 'open', from: now - 100, to: now, cursor: now, failures: 0 };
  const checkpoint = {
    window,
    cursor: now - 100,
    listedAt: now,
    listed: 0,
    oldest: null,
    expected: 1,
    missing: ['b'],
    touched: [],
    relisted: [],
    due: [],
  };
  await runPipeline(
    context,
    async function* () {
      yield { kind: 'fetch', fetch: { id: 'a', item: null, due: [], stored: true } };
      yield { kind: 'checkpoint', checkpoint };
    },
    never,
  );
  await listed(context, 'open');
  expect(lookedUp).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ]);
});
