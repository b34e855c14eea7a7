// Makes one buffer of an object's rows: the columns of all its tables in Postgres' binary format. Of many buffers, it makes one
// array per column, as the statements take them. An object is packed as soon as it is fetched, so it waits outside the heap.
// A table whose array the object does not have is left out, so that none of its stored rows are deleted.

import type { TableRows } from '../sync/fields.ts';
import type { Packed } from '../sync/model.ts';
import { type ColumnType, conversations, scopeOf, type Table, tablesOf } from '../sync/tables.ts';
import { binaryArray, CellWriter } from './binary.ts';

/** Rows of one table: an array for each column, and an array for each scope column. */
export interface TableArrays {
  table: Table;
  rows: number;
  columns: Buffer[];
  scope: Buffer[];
}

export interface Packer {
  /** See Store.pack. */
  pack(rows: TableRows[]): Packed;
  /** The arrays of some of the tables, for many packed objects. A table of which no object says anything is left out. */
  arrays(all: Packed[], of: readonly Table[]): TableArrays[];
}

/** Makes a packer for the rows that a normalizer of the same tables makes. */
export function createPacker(tables: readonly Table[]): Packer {
  const writer = new CellWriter();
  const layouts = layOut(tables);
  return {
    pack(all) {
      // The last call may have failed half-way.
      writer.clear();
      const ends: number[] = [];
      const counts: number[] = [];
      let children: number | null = 0;
      for (const [at, { types, table }] of layouts.entries()) {
        const read = all[at];
        if (read === undefined) throw new TypeError(`there are no rows for ${table.name}`);
        for (const [column, cells] of [...read.columns, ...read.scope].entries()) {
          writer.write(types[column] ?? 'text', cells);
          ends.push(writer.end);
        }
        counts.push(read.rows, read.scopes);
        if (table.parent !== undefined) children = read.complete && children !== null ? children + read.rows : null;
      }
      return { id: String(all[0]?.columns[0]?.[0]), bytes: writer.take(), ends, counts, children };
    },
    arrays: (all, of) =>
      layouts
        .filter(({ table }) => of.includes(table))
        .flatMap(({ table, types, firstColumn, firstCount }) => {
          const count = (at: number) => all.reduce((sum, { counts }) => sum + (counts[at] ?? 0), 0);
          const [rows, scopes] = [count(firstCount), count(firstCount + 1)];
          if (scopes === 0 && table.parent !== undefined) return [];
          const own = Object.keys(table.columns).length;
          const arrays = types.map((type, at) => binaryArray(type, at < own ? rows : scopes, all, firstColumn + at));
          return [{ table, rows, columns: arrays.slice(0, own), scope: arrays.slice(own) }];
        }),
  };
}

/** A table's columns and then its scope columns, counted through all tables. */
interface Layout {
  table: Table;
  types: ColumnType[];
  firstColumn: number;
  firstCount: number;
}

function layOut(tables: readonly Table[]): Layout[] {
  let firstColumn = 0;
  return tables.map((table, at) => {
    const types = [
      ...Object.values(table.columns).map(({ type }) => type),
      ...scopeOf(table).map(() => 'text' as const),
    ];
    const layout = { table, types, firstColumn, firstCount: 2 * at };
    firstColumn += types.length;
    return layout;
  });
}

const children = tablesOf.conversation.filter(({ parent }) => parent !== undefined);
const packer = createPacker(tablesOf.conversation);

/** See Store.pack. */
export const { pack } = packer;

/** The arrays of the conversations' own table. */
export const conversationArrays = (all: Packed[]) => packer.arrays(all, [conversations]);

/** The arrays of the child tables. */
export const childArrays = (all: Packed[]) => packer.arrays(all, children);
