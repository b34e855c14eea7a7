// `forget`: erases conversations for good, and makes sure that they are never stored again: single ones, or all in which an address
// takes part. It prints what is stored of them and asks before it erases.

import type { DatabaseConfig } from '../../config/config.ts';
import { openConfigured } from '../../database.ts';
import { countTakingPart, type TakingPart } from '../../postgres/addresses.ts';
import type { Database } from '../../postgres/database.ts';
import {
  countStored,
  forget as erase,
  forgetAddresses,
  type RowCounts,
  type StoredRows,
} from '../../postgres/tombstones.ts';
import type { Mask } from '../../sync/mask.ts';
import { exitStatus, UsageError } from '../exit-status.ts';
import type { Terminal } from '../terminal.ts';

export interface ForgetOptions {
  ids: string[];
  addresses: string[];
  /** How addresses are stored. */
  mask: Pick<Mask, 'omits' | 'hashes' | 'hash'>;
  dryRun: boolean;
  /** Erase without asking. */
  yes: boolean;
}

/** @returns the exit status. @throws UsageError if nobody can be asked. */
export async function forget(
  config: DatabaseConfig,
  { ids, dryRun, yes, ...given }: ForgetOptions,
  terminal: Terminal,
): Promise<number> {
  const { addresses, likely } = storedForms(given);
  await using opened = await openConfigured(config);
  const { database } = opened;
  await opened.prepare();
  const stored = dryRun || !yes ? await countStored(database, ids) : [];
  for (const each of stored) terminal.write(`${each.id}: ${describe(each)}`);
  const found = addresses.length > 0 ? await countTakingPart(database, addresses, likely) : null;
  for (const line of found === null ? [] : describeTakingPart(found)) terminal.write(line);
  if (dryRun) return exitStatus.inSync;
  const which = ids.length + (found?.conversations ?? 0) === 1 ? 'this conversation' : 'these conversations';
  if (!yes && !(await confirm(terminal, `Erase ${which} from the database for good, and never store them again?`)))
    return exitStatus.incomplete;
  await eraseAll(database, ids, addresses, terminal);
  return exitStatus.inSync;
}

/** Channels that stand before an address. */
const prefixes = ['', 'whatsapp:', 'rcs:', 'messenger:', 'sms:', 'tel:', 'sip:', 'client:'];

/**
 * Addresses as they are stored: hashed ones, too, as they are given, since what was stored before is hashed little by little. Nobody
 * can see that two hashes are alike, so likely forms of an address are hashed as well: `likely` has what they are hashes of.
 * @throws UsageError if addresses are not stored.
 */
function storedForms({ addresses, mask }: Pick<ForgetOptions, 'addresses' | 'mask'>) {
  if (addresses.length > 0 && mask.omits('addresses'))
    throw new UsageError(
      '--address: no address is stored with SYNC_OMIT=addresses; find the conversations otherwise, and use --id',
    );
  if (!mask.hashes('addresses')) return { addresses, likely: new Map<string, string>() };
  const forms = addresses.flatMap((address) => {
    const bare = address.replace(/^[A-Za-z]+:/, '');
    return prefixes.map((prefix) => prefix + bare);
  });
  return {
    addresses: addresses.flatMap((address) => [address, mask.hash(address)]),
    likely: new Map(forms.map((form) => [mask.hash(form), form])),
  };
}

/** Asks. @returns whether the answer is yes. @throws UsageError if nobody can be asked. */
export async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  const answer = await terminal.ask(`${question} [y/N] `);
  if (answer === null) throw new UsageError('forget asks before it erases: use --yes if nobody can answer');
  const yes = /^y(es)?$/i.test(answer.trim());
  if (!yes) terminal.write('Nothing was erased.');
  return yes;
}

async function eraseAll(database: Database, ids: string[], addresses: string[], terminal: Terminal): Promise<void> {
  for (const each of await erase(database, ids)) terminal.write(`${each.id}: erased ${describe(each)}`);
  if (addresses.length === 0) return;
  const { conversations, rows } = await forgetAddresses(database, addresses);
  terminal.write(`Erased ${count(conversations, 'conversation')} of these addresses, ${count(rows, 'row')} in all.`);
}

/** What is stored of a conversation, by table. */
function describe({ rows, forgotten }: StoredRows): string {
  const parts = describeRows(rows);
  if (parts !== '') return parts;
  return forgotten ? 'nothing: it was erased before' : 'nothing: it is not stored';
}

function describeRows(rows: RowCounts): string {
  return Object.entries(rows)
    .filter(([, rows]) => rows > 0)
    .map(([table, rows]) => `${count(rows, 'row')} of ${table}`)
    .join(', ');
}

function describeTakingPart({ conversations, rows, shared, alike, loading }: TakingPart): string[] {
  const lines = [
    conversations === 0
      ? 'These addresses take part in no stored conversation.'
      : `These addresses take part in ${count(conversations, 'conversation')}: ${describeRows(rows)}.`,
  ];
  if (shared > 0) lines.push(`In ${shared} of them, other customers take part too: what they said is erased as well.`);
  for (const { address, conversations } of alike)
    lines.push(`Not erased unless it is named too: ${address}, in ${count(conversations, 'conversation')}.`);
  if (loading) lines.push('History is not loaded to its end. What is loaded later is not erased: run this again then.');
  return lines;
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
