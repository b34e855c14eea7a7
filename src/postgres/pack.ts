// One conversation's rows in, one piece of memory out that holds every table's columns in Postgres' binary format; many
// of those in, one array a column out, as the statements of tables.ts take them. Packed as soon as its detail is there, a
// conversation waits outside the heap, and loading it is copying.
// What a detail did not have is in no array, and not in the scope of what may be deleted.

import type { Packed } from '../sync/model.ts';
import type { ConversationRows } from '../sync/normalize.ts';
import { binaryArray, type Cell, CellWriter } from './binary.ts';
import * as tables from './tables.ts';

/** Rows of one table, an array a column, and what they speak of, an array a scope column. */
export interface ChildArrays {
  table: tables.Table;
  rows: number;
  columns: Buffer[];
  scope: Buffer[];
}

interface Part {
  table: tables.Table;
  /** None: the detail did not say. */
  rowsOf: (rows: ConversationRows) => Cell[][] | null | undefined;
  /** What is spoken of where it is not just the conversation. */
  scopeOf?: (rows: ConversationRows) => Cell[][];
}

const conversationPart: Part = {
  table: tables.conversations,
  rowsOf: (each) => [
    [
      each.id,
      each.accountId,
      each.name,
      each.status,
      each.conversationConfigurationId,
      each.createdAt,
      each.updatedAt,
      each.extra,
    ],
  ],
};

/** Parents before children. */
const childParts: Part[] = [
  { table: tables.channels, rowsOf: ({ id, channels }) => channels?.map((each) => [id, each]) },
  { table: tables.channelIds, rowsOf: ({ id, channelIds }) => channelIds?.map((each) => [id, each]) },
  {
    table: tables.intelligenceConfigurations,
    rowsOf: ({ id, intelligenceConfigurationIds: ids }) => ids?.map((each) => [id, each]),
  },
  {
    table: tables.participants,
    rowsOf: ({ id, participants }) =>
      participants?.map((each) => [id, each.id, each.position, each.name, each.type, each.extra]),
  },
  {
    table: tables.participantAddresses,
    rowsOf: ({ id, participants }) =>
      participants?.flatMap((each) => (each.addresses ?? []).map((address) => [id, each.id, address])),
    // Each participant says for itself whether its addresses are known.
    scopeOf: ({ id, participants }) =>
      (participants ?? []).flatMap((each) => (each.addresses === null ? [] : [[id, each.id]])),
  },
  {
    table: tables.communications,
    rowsOf: ({ id, communications }) =>
      communications?.map((each) => [
        id,
        each.id,
        each.position,
        each.participantId,
        each.text,
        each.createdAt,
        each.extra,
      ]),
  },
  {
    table: tables.operatorResultLinks,
    rowsOf: ({ id, operatorResultIds }) => operatorResultIds?.map((each, at) => [id, each, at]),
  },
];

/** Columns of one length: a table's own, or its scope's. Their numbers and the block's count through all there are. */
interface Block {
  types: tables.ColumnType[];
  firstColumn: number;
  number: number;
}

let columns = 0;
let blocks = 0;

function block(types: tables.ColumnType[]): Block {
  const made = { types, firstColumn: columns, number: blocks };
  columns += types.length;
  blocks += 1;
  return made;
}

function laid(part: Part) {
  const scope = part.table.scope.map(() => 'text' as const);
  return { ...part, own: block(Object.values(part.table.columns)), scope: block(scope) };
}

const conversation = laid(conversationPart);
const children = childParts.map(laid);
const layout = [conversation, ...children];

const writer = new CellWriter();

/** See Store.pack. */
export function pack(rows: ConversationRows): Packed {
  // Should the last one have failed half-way.
  writer.clear();
  const ends: number[] = [];
  const counts: number[] = [];
  let children: number | null = 0;
  const write = ({ types }: Block, all: Cell[][]) => {
    types.forEach((type, column) => {
      for (const cells of all) writer.write(type, cells[column] ?? null);
      ends.push(writer.end);
    });
    counts.push(all.length);
  };
  for (const part of layout) {
    const { own, scope, rowsOf, scopeOf } = part;
    const found = rowsOf(rows) ?? null;
    write(own, found ?? []);
    write(scope, scopeOf?.(rows) ?? (found === null ? [] : [[rows.id]]));
    if (part !== conversation) children = found === null || children === null ? null : children + found.length;
  }
  // Of some participants the addresses are not known.
  if (rows.participants?.some(({ addresses }) => addresses === null)) children = null;
  return { id: rows.id, bytes: writer.take(), ends, counts, children };
}

/** The arrays of the conversations' own statement. */
export function conversationArrays(all: Packed[]): Buffer[] {
  return gather(all, conversation.own);
}

/** Those of the children's tables; a table of which no detail said anything is left out. */
export function childArrays(all: Packed[]): ChildArrays[] {
  return children
    .filter(({ scope }) => count(all, scope) > 0)
    .map(({ table, own, scope }) => ({
      table,
      rows: count(all, own),
      columns: gather(all, own),
      scope: gather(all, scope),
    }));
}

function count(all: Packed[], { number }: Block): number {
  return all.reduce((sum, { counts }) => sum + (counts[number] ?? 0), 0);
}

function gather(all: Packed[], block: Block): Buffer[] {
  const cells = count(all, block);
  return block.types.map((type, at) => {
    const column = block.firstColumn + at;
    const pieces = all.map(({ bytes, ends }) => ({ bytes, from: ends[column - 1] ?? 0, to: ends[column] ?? 0 }));
    return binaryArray(type, cells, pieces);
  });
}
