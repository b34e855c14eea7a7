// Rows of many conversations in, one array a column out, as the statements of tables.ts take them.
// Pure. What a detail did not have is in no array, and not in the scope of what may be deleted.

import type { ConversationRows } from '../sync/normalize.ts';
import * as tables from './tables.ts';

type Cell = string | number | null;

/** The parameters of the conversations' own statement, but for the stamp. */
export function conversationArrays(all: ConversationRows[]): Cell[][] {
  return columnsOf(
    8,
    all.map((each) => [
      each.id,
      each.accountId,
      each.name,
      each.status,
      each.conversationConfigurationId,
      each.createdAt,
      each.updatedAt,
      each.extra,
    ]),
  );
}

/** Rows of one table, an array a column, and what they speak of, an array a scope column. */
export interface ChildArrays {
  table: tables.Table;
  columns: Cell[][];
  scope: Cell[][];
}

/** The children's tables, parents before children; an array that a detail did not have is not in their scope. */
export function childArrays(all: ConversationRows[]): ChildArrays[] {
  const parts = [
    part(tables.channels, all, ({ channels }) => channels?.map((channel) => [channel])),
    part(tables.channelIds, all, ({ channelIds }) => channelIds?.map((channelId) => [channelId])),
    part(tables.intelligenceConfigurations, all, (each) => each.intelligenceConfigurationIds?.map((id) => [id])),
    part(tables.participants, all, ({ participants }) =>
      participants?.map(({ id, position, name, type, extra }) => [id, position, name, type, extra]),
    ),
    addresses(all),
    part(tables.communications, all, ({ communications }) =>
      communications?.map((each) => [
        each.id,
        each.position,
        each.participantId,
        each.text,
        each.createdAt,
        each.extra,
      ]),
    ),
    part(tables.operatorResultLinks, all, ({ operatorResultIds }) =>
      operatorResultIds?.map((id, position) => [id, position]),
    ),
  ];
  return parts.filter(({ scope }) => scope[0]?.length !== 0);
}

function part(
  table: tables.Table,
  all: ConversationRows[],
  rowsOf: (conversation: ConversationRows) => Cell[][] | null | undefined,
): ChildArrays {
  const rows: Cell[][] = [];
  const scope: Cell[] = [];
  for (const conversation of all) {
    const own = rowsOf(conversation) ?? null;
    if (own === null) continue;
    scope.push(conversation.id);
    for (const cells of own) rows.push([conversation.id, ...cells]);
  }
  return { table, columns: columnsOf(Object.keys(table.columns).length, rows), scope: [scope] };
}

/** Addresses belong to a participant: its own array says whether they are known. */
function addresses(all: ConversationRows[]): ChildArrays {
  const rows: Cell[][] = [];
  const scope: Cell[][] = [];
  for (const { id, participants } of all) {
    for (const participant of participants ?? []) {
      if (participant.addresses === null) continue;
      scope.push([id, participant.id]);
      for (const address of participant.addresses) rows.push([id, participant.id, address]);
    }
  }
  return { table: tables.participantAddresses, columns: columnsOf(3, rows), scope: columnsOf(2, scope) };
}

function columnsOf(count: number, rows: Cell[][]): Cell[][] {
  return Array.from({ length: count }, (_, at) => rows.map((cells) => cells[at] ?? null));
}
