// Batches as the program makes them, from answers as the API gives them, for tests of the store alone.

import { type FilterConfig, noFilters } from '../../src/config/config.ts';
import type { JsonObject } from '../../src/lib/json.ts';
import type { Database } from '../../src/postgres/database.ts';
import { takeLease } from '../../src/postgres/lease.ts';
import { pack } from '../../src/postgres/pack.ts';
import { createStore } from '../../src/postgres/store.ts';
import type { Store } from '../../src/sync/context.ts';
import { fingerprint } from '../../src/sync/fingerprint.ts';
import { type Mask, noMask } from '../../src/sync/mask.ts';
import type { Change, Checkpoint, Due, Window } from '../../src/sync/model.ts';
import { normalize } from '../../src/sync/normalize.ts';
import { decodeDetail } from '../../src/twilio/decode.ts';

export const now = 1_780_000_000;

/** A detail with something in every table. */
export function detailOf(id: string, fields: JsonObject = {}): JsonObject {
  return {
    id,
    createdAt: '2026-05-28T20:00:00Z',
    status: 'ACTIVE',
    name: `name of ${id}`,
    channels: ['VOICE', 'SMS'],
    channelIds: ['CA1'],
    intelligenceConfigurationIds: ['i1'],
    participants: [
      { id: 'p1', name: 'Ada', addressValues: ['+15550100', '+15550101'] },
      { id: 'p2', addressValues: ['x'] },
    ],
    communications: [
      { id: 'c1', participantId: 'p1', content: { text: 'Hello', language: 'en' }, createdAt: '2026-05-28T20:00:01Z' },
      { id: 'c2', participantId: 'p2', content: { text: 'Good day' } },
    ],
    operatorResultIds: ['r1', 'r2'],
    ...fields,
  };
}

/** What the program makes of a detail that was listed and found. */
export function changeOf(raw: JsonObject, fields: Partial<Change> = {}): Change {
  const detail = decodeDetail('GET detail', String(raw['id']), raw);
  return {
    id: detail.id,
    rows: pack(normalize(detail, fields.stored ?? false)),
    stored: false,
    listed: true,
    item: `item ${fingerprint(raw)}`,
    detail: fingerprint(raw),
    deleted: false,
    force: false,
    request: 1,
    served: [],
    due: [],
    ...fields,
  };
}

/** What the program makes of one that was not found, or failed. */
export function changeWithout(id: string, fields: Partial<Change> = {}): Change {
  return {
    id,
    rows: null,
    stored: false,
    listed: false,
    item: null,
    detail: null,
    deleted: false,
    force: false,
    request: 1,
    served: [],
    due: [],
    ...fields,
  };
}

export function dueOf(id: string, fields: Partial<Due> = {}): Due {
  const usual: Due = {
    id,
    reason: 'failed',
    dueAt: now,
    attempts: 1,
    firstAt: now,
    error: null,
    fingerprint: null,
    wants: null,
    createdFrom: null,
  };
  return { ...usual, ...fields };
}

export function markOf(window: Window, fields: Partial<Checkpoint> = {}): Checkpoint {
  const usual = {
    window,
    cursor: window.from,
    listedAt: window.to,
    listed: 0,
    oldest: null,
    expected: 0,
    missing: [],
    touched: [],
    relisted: [],
    due: [],
  };
  return { ...usual, ...fields };
}

/** Takes the lease from whoever has it, and makes a store under it. */
export async function seizeStore(
  database: Database,
  fields: { generation?: number; filters?: Partial<FilterConfig>; mask?: Mask; results?: boolean } = {},
): Promise<Store> {
  await database.run(({ sql }) => sql(`update twilio_sync.lease set expires_at = 0`));
  const lease = await takeLease(database, 'test');
  if (!('epoch' in lease)) throw new Error(`the lease is held by ${lease.heldBy}`);
  const filters = { ...noFilters, ...fields.filters };
  const { generation = 1, mask = noMask, results = false } = fields;
  return createStore({ database, filters, generation, epoch: lease.epoch, mask, results });
}
