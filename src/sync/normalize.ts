// An object of the API in, its rows out, as the tables' descriptors say. Every field ends in a column, in a child table or
// in `extra`: nothing that the API said is thrown away. Pure. What cannot be a row is an Unstorable.
// Rows are made column by column: each column's reader is made once, and loops over all rows of an object.

import type { Json, JsonObject } from '../lib/json.ts';
import { storableText } from '../lib/storable.ts';
import type { Detail } from '../twilio/decode.ts';
import { type Cell, cellOf, followerOf, remainderOf, type TableRows } from './fields.ts';
import { noMask } from './mask.ts';
import { addMetrics } from './metrics.ts';
import { Unstorable } from './model.ts';
import { type Column, scopeOf, type Table, tablesOf } from './tables.ts';

/** Goes up when the same detail gives other rows. Rows of an older version are then made anew, gradually. */
export const normalizerVersion = 1;

/** All columns of a key together: a B-tree entry holds 2,704 bytes, of which some are overhead. */
export const maxKeyBytes = 2600;

/**
 * Makes the rows of one conversation, in the order of its tables. An array that the detail of a stored conversation does not
 * have leaves the stored children as they are: what depends on them is then computed of what is stored, not here. The detail is
 * masked already; of the rows, the columns go that the mask omits.
 * @throws Unstorable where a key is too long for an index.
 */
export function normalize({ raw }: Detail, stored: boolean, mask = noMask): TableRows[] {
  const rows = normalizeConversation(raw);
  if (!stored || rows.every(({ complete }) => complete)) addMetrics(rows);
  mask.blank(rows, tablesOf.conversation);
  return rows;
}

/** Makes a function that makes the rows of an object: a TableRows for each of the tables. A parent comes before its children. */
export function createNormalizer(tables: readonly Table[]): (object: JsonObject) => TableRows[] {
  const readers = tables.map((table) => createReader(table, tables));
  return (object) => {
    const read: Read[] = [];
    for (const reader of readers) read.push(reader(object, read));
    return read;
  };
}

/** Rows, and what their children are read from. */
interface Read extends TableRows {
  elements: Json[];
}

/** The elements that are rows: of each its own part of the key, its parent's row, and its place among the parent's rows. */
interface Found {
  elements: Json[];
  keys: string[];
  parents: number[];
  positions: number[];
  none?: null[];
}

function createReader(table: Table, tables: readonly Table[]): (object: JsonObject, read: Read[]) => Read {
  refuseIllFormed(table);
  const parentAt = table.parent === undefined ? -1 : tables.indexOf(table.parent.table);
  const arrayOf = followerOf(table.parent?.array ?? '');
  const keyOf = keyReader(table);
  const keyLength = table.key.length;
  const readers = Object.values(table.columns).map((column, at) => cellReader(column, at, table, tables));
  const scopeColumns = [...scopeOf(table).keys()];
  const name = nameOf(table);
  return (object, read) => {
    const parent = read[parentAt];
    const found: Found = { elements: [], keys: [], parents: [], positions: [] };
    const speaking: number[] = [];
    if (parent === undefined) {
      addElements(found, [object], 0, keyOf);
      if (found.elements.length === 0) throw new Unstorable(`${name}: is missing`);
    }
    for (let at = 0; parent !== undefined && at < parent.rows; at += 1) {
      const array = arrayOf(parent.elements[at]);
      if (!Array.isArray(array)) continue;
      speaking.push(at);
      addElements(found, array, at, keyOf);
    }
    const columns: Cell[][] = [];
    for (const reader of readers) columns.push(reader(found, columns, parent));
    refuseLongKeys(name, columns.slice(0, keyLength));
    return {
      elements: found.elements,
      rows: found.elements.length,
      columns,
      scopes: speaking.length,
      scope: scopeColumns.map((column) => speaking.map((at) => parent?.columns[column]?.[at] ?? null)),
      complete: parent === undefined || speaking.length === parent.rows,
    };
  };
}

/** A repeated key is one row, the first. An element without a key is no row; then `extra` keeps the array. */
function addElements(found: Found, elements: Json[], parent: number, keyOf: (element: Json) => Json): void {
  const seen = elements.length > 1 ? new Set<string>() : null;
  let position = 0;
  for (const element of elements) {
    const value = keyOf(element);
    if (typeof value !== 'string') continue;
    const key = storableText(value);
    if (seen?.has(key) === true) continue;
    seen?.add(key);
    found.elements.push(element);
    found.keys.push(key);
    found.parents.push(parent);
    found.positions.push(position);
    position += 1;
  }
}

/** Makes what reads an element's own part of the key. */
function keyReader({ key, columns }: Table): (element: Json) => Json {
  const last = columns[key.at(-1) ?? ''];
  return followerOf((last?.from === 'field' && last.paths[0]) || '');
}

/** Makes a column's cells, given those of the columns before it. */
type CellReader = (found: Found, columns: Cell[][], parent: Read | undefined) => Cell[];

function cellReader(column: Column, at: number, table: Table, tables: readonly Table[]): CellReader {
  if (at === table.key.length - 1) return ({ keys }) => keys;
  switch (column.from) {
    case 'element':
      return ({ keys }) => keys;
    case 'position':
      return ({ positions }) => positions;
    case 'parent':
      return ({ parents }, _, parent) => parents.map((row) => parent?.columns[at]?.[row] ?? null);
    case 'rest': {
      const rest = remainderOf(takenBy(table, tables));
      return ({ elements }, columns) => elements.map((element, row) => rest(element, row, columns));
    }
    case 'computed':
      // Filled in later: until then, all share one.
      return (found) => (found.none ??= found.elements.map(() => null));
    case 'field': {
      const { type, paths } = column;
      const [first = followerOf(''), ...others] = paths.map(followerOf);
      const read = cellOf[type];
      if (others.length === 0) return ({ elements }) => elements.map((element) => read(first(element)));
      const firstOf = (cells: Cell[]) => cells.find((cell) => cell !== null) ?? null;
      return ({ elements }) =>
        elements.map((element) => firstOf([first, ...others].map((each) => read(each(element)))));
    }
  }
}

/** What a table's columns and its child tables take of an object. */
function takenBy(table: Table, tables: readonly Table[]): Parameters<typeof remainderOf>[0] {
  const columns = Object.values(table.columns).flatMap((column, at) => {
    if (column.from !== 'field') return [];
    const { type, paths } = column;
    const [path = '', ...others] = paths;
    // The cell may be that of another path.
    if (others.length > 0) return [{ path, takes: (value: Json) => cellOf[type](value) !== null }];
    return [{ path, takes: (_: Json, row: number, cells: Cell[][]) => cells[at]?.[row] !== null }];
  });
  const children = tables.flatMap((child) => {
    if (child.parent?.table !== table) return [];
    const keyOf = keyReader(child);
    const isRow = (element: Json) => typeof keyOf(element) === 'string';
    return [{ path: child.parent.array, takes: (value: Json) => Array.isArray(value) && value.every(isRow) }];
  });
  return [...columns, ...children];
}

/** Makes what is left of an object that has nothing in the columns of its row: of what `extra` had before. */
export function createRemainder(table: Table, tables: readonly Table[]): (object: Json) => Cell {
  const rest = remainderOf(takenBy(table, tables));
  const empty = Object.keys(table.columns).map(() => [null]);
  return (object) => rest(object, 0, empty);
}

function refuseIllFormed({ name, key, columns, parent }: Table): void {
  const names = Object.keys(columns);
  const last = columns[key.at(-1) ?? ''];
  if (!key.every((column, at) => names[at] === column)) throw new TypeError(`${name}: its columns begin with its key`);
  if (parent !== undefined && key.length !== parent.table.key.length + 1)
    throw new TypeError(`${name}: its key is its parent's and one column more`);
  if (last?.type !== 'text' || (last.from !== 'field' && last.from !== 'element'))
    throw new TypeError(`${name}: its key ends in a text of its rows`);
  const inOrder = Object.values(columns).filter(({ from }) => from !== 'computed');
  if (inOrder.slice(0, -1).some(({ from }) => from === 'rest'))
    throw new TypeError(`${name}: the column of the rest comes last, before computed ones`);
}

/** Where a table's rows are in the API's object. */
function nameOf({ parent, key }: Table): string {
  if (parent === undefined) return key.at(-1) ?? '';
  return parent.table.parent === undefined ? parent.array : `${nameOf(parent.table)}.${parent.array}`;
}

function refuseLongKeys(name: string, key: Cell[][]): void {
  // A code unit takes at most three bytes. By that alone, nearly all keys are short enough.
  if (3 * key.reduce((sum, cells) => sum + longest(cells), 0) <= maxKeyBytes) return;
  for (let row = 0; row < (key[0]?.length ?? 0); row += 1) {
    const bytes = key.reduce((sum, cells) => sum + Buffer.byteLength(String(cells[row])), 0);
    if (bytes > maxKeyBytes)
      throw new Unstorable(`${name}: a key of ${bytes} bytes, at most ${maxKeyBytes} can be stored`);
  }
}

function longest(cells: Cell[]): number {
  let most = 0;
  for (const cell of cells) if (typeof cell === 'string' && cell.length > most) most = cell.length;
  return most;
}

// Stands last because it needs all of the above.
const normalizeConversation = createNormalizer(tablesOf.conversation);
