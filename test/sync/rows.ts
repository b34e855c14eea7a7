// A conversation's rows as one object, for tests: each column under the name of its field, each child table under its
// array's. An array that the detail does not have is null.

import type { Cell, TableRows } from '../../src/sync/fields.ts';
import { participantAddresses, participants, type Table, tablesOf } from '../../src/sync/tables.ts';

interface ParticipantRow {
  id: string;
  position: number;
  name: string | null;
  type: string | null;
  extra: string | null;
  addresses: string[] | null;
}

interface CommunicationRow {
  id: string;
  position: number;
  participantId: string | null;
  text: string | null;
  createdAt: string | null;
  extra: string | null;
}

export interface ConversationRows {
  id: string;
  accountId: string | null;
  name: string | null;
  status: string | null;
  conversationConfigurationId: string | null;
  createdAt: string;
  updatedAt: string | null;
  extra: string | null;
  channels: string[] | null;
  channelIds: string[] | null;
  intelligenceConfigurationIds: string[] | null;
  operatorResultIds: string[] | null;
  participants: ParticipantRow[] | null;
  communications: CommunicationRow[] | null;
}

type Row = Record<string, Cell>;

/** A table's rows as objects, keyed by column, without what is computed. */
export function rowsIn({ columns }: Table, read: TableRows): Row[] {
  const given = Object.entries(columns).filter(([, { from }]) => from !== 'computed');
  return Array.from({ length: read.rows }, (_, row) =>
    Object.fromEntries(given.map(([name], column) => [name, read.columns[column]?.[row] ?? null])),
  );
}

const camel = (column: string) => column.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** The rows of `tablesOf.conversation`. */
export function conversationOf(all: TableRows[]): ConversationRows {
  const found: Record<string, unknown> = {};
  const read = new Map(tablesOf.conversation.map((table, at) => [table, all[at] as TableRows]));
  for (const [table, rows] of read) {
    const { parent, key } = table;
    const objects = rowsIn(table, rows);
    const own = objects.map((row) => {
      const fields = Object.entries(row).filter(([name]) => name !== 'conversation_id');
      return Object.fromEntries(fields.map(([name, cell]) => [camel(name), cell]));
    });
    if (parent === undefined) Object.assign(found, own[0]);
    else if (table !== participantAddresses) {
      const isText = table.columns[key.at(-1) ?? '']?.from === 'element';
      const values = isText ? objects.map((row) => row[key.at(-1) ?? '']) : own;
      found[parent.array] = rows.scopes === 0 ? null : values;
    }
  }
  const addresses = read.get(participantAddresses) as TableRows;
  const rows = rowsIn(participantAddresses, addresses);
  const people = found[participants.parent?.array ?? ''] as ParticipantRow[] | null;
  for (const person of people ?? []) {
    const own = rows.filter((row) => row['participant_id'] === person.id).map(({ address }) => String(address));
    person.addresses = addresses.scope[1]?.includes(person.id) === true ? own : null;
  }
  return found as unknown as ConversationRows;
}
