// The ceiling of loading: the same rows by bare COPY, one connection, one transaction, from files that the server reads
// itself, into the same tables with their keys, indexes and foreign keys. No request, no decoding, no comparison.

import { join } from 'node:path';
import type pg from 'pg';

/** Parents before their children. */
const tables = [
  'conversations',
  'conversation_channels',
  'conversation_channel_ids',
  'conversation_intelligence_configurations',
  'participants',
  'participant_addresses',
  'communications',
  'operator_result_links',
];

/** Writes what a filled database has into files of the server; to be run as superuser. @returns their common path. */
export async function writeFiles(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ data_directory: string }>('show data_directory');
  const prefix = join(rows[0]?.data_directory ?? '', 'copied-');
  for (const table of tables) await client.query(`copy twilio.${table} to '${prefix}${table}'`);
  return prefix;
}

/** Loads those files. @returns how long it took until it was committed, in ms. */
export async function copyFiles(client: pg.Client, prefix: string): Promise<number> {
  const startedMs = performance.now();
  await client.query('begin');
  for (const table of tables) await client.query(`copy twilio.${table} from '${prefix}${table}'`);
  await client.query('commit');
  return performance.now() - startedMs;
}
