// Notifications of stored changes: whoever listens on the channel gets the id of each conversation that has changed, when the change
// is committed. They are sent in the transaction that stores the change, so none is sent for what is not stored.

import type { Queries } from './database.ts';
import { fromMicroseconds } from './instant.ts';

export const channel = 'conversation_sync';

/** A notification's text is shorter than that. Longer ids are not the API's. */
const limitBytes = 8_000;

/** Notifies of everything that got this stamp, which is this transaction's alone. */
export async function notifyOfChanges(queries: Queries, stamp: bigint): Promise<void> {
  const changed = await queries.sql<{ id: string }>(
    `select id from twilio.conversations where synced_at = ${fromMicroseconds('$1')} and octet_length(id) < ${limitBytes}`,
    [stamp],
  );
  // In a statement of its own: with Citus, the other one is executed on the node of the table, where nobody listens.
  const ids = changed.map(({ id }) => id);
  await queries.sql(`select pg_notify('${channel}', id) from unnest($1::text[]) as changed(id)`, [ids]);
}
