// A field of the API's object in: what it is in a column of a type, and what of the object no column takes.
// A field of another kind than its column's is null in the column, and stays in `extra`.

import { isJsonObject, type Json, type JsonObject } from '../lib/json.ts';
import { isRawNumber } from '../lib/lossless-json.ts';
import { storableJson, storableText } from '../lib/storable.ts';
import { parseTimestamp, toMicroseconds } from '../lib/timestamp.ts';
import { Unstorable } from './model.ts';
import type { FieldType } from './tables.ts';

/** A column's value in a row. Times are RFC 3339 cut to the microsecond, jsonb is JSON text. */
export type Cell = string | number | boolean | null;

/** One table's rows of one object. */
export interface TableRows {
  rows: number;
  /** An array of cells for each column. */
  columns: Cell[][];
  /** How many parents have the array: they say all of their rows, and what they lack is gone. */
  scopes: number;
  /** The keys of these parents, an array for each scope column. */
  scope: Cell[][];
  /** All parents have the array. */
  complete: boolean;
}

/** What a value is in a column of the type; null where it is of another kind. */
export const cellOf: Record<FieldType, (value: Json) => Cell> = {
  text: (value) => (typeof value === 'string' ? storableText(value) : null),
  integer: (value) => (typeof value === 'number' && (value | 0) === value ? value : null),
  boolean: (value) => (typeof value === 'boolean' ? value : null),
  timestamptz(value) {
    const time = typeof value === 'string' ? parseTimestamp(value) : undefined;
    return time === undefined ? null : toMicroseconds(time);
  },
  jsonb: (value) => (value === null ? null : jsonText(value)),
};

/** Makes what reads the value at a path like `content.text`; null where the path leads nowhere. An empty path is the value itself. */
export function followerOf(path: string): (value: Json | undefined) => Json {
  const [name = '', ...others] = path.split('.');
  if (path === '') return (value) => value ?? null;
  if (others.length === 0) return (value) => (isJsonObject(value) ? (value[name] ?? null) : null);
  const inner = followerOf(others.join('.'));
  return (value) => inner(isJsonObject(value) ? value[name] : null);
}

/** Whether a column or a child table takes a value, given the cells of the row's columns. */
type Takes = (value: Json, row: number, columns: Cell[][]) => boolean;

/** Fields by name: what is left of each. */
type Fields = Map<string, (value: Json, row: number, columns: Cell[][]) => Json | undefined>;

/** Makes what writes, as JSON text, all that is left of an object; null where nothing is. A field that is taken whole hides what is taken inside it. */
export function remainderOf(
  taken: { path: string; takes: Takes }[],
): (object: Json, row: number, columns: Cell[][]) => Cell {
  const fields = fieldsOf(taken);
  return (object, row, columns) => {
    const left = isJsonObject(object) ? leftOf(object, fields, row, columns) : undefined;
    return left === undefined ? null : jsonText(left);
  };
}

function fieldsOf(taken: { path: string; takes: Takes }[]): Fields {
  const fields: Fields = new Map();
  for (const name of new Set(taken.map(({ path }) => path.split('.')[0] ?? ''))) {
    const whole = taken.find(({ path }) => path === name);
    if (whole !== undefined) {
      fields.set(name, (value, row, columns) =>
        value === null || whole.takes(value, row, columns) ? undefined : value,
      );
      continue;
    }
    const inside = taken.filter(({ path }) => path.startsWith(`${name}.`));
    const inner = fieldsOf(inside.map(({ path, takes }) => ({ path: path.slice(name.length + 1), takes })));
    fields.set(name, (value, row, columns) => {
      if (value === null) return undefined;
      return isJsonObject(value) && !isRawNumber(value) ? leftOf(value, inner, row, columns) : value;
    });
  }
  return fields;
}

function leftOf(object: JsonObject, fields: Fields, row: number, columns: Cell[][]): JsonObject | undefined {
  let left: [string, Json][] | undefined;
  for (const name in object) {
    const value = object[name] ?? null;
    const field = fields.get(name);
    const kept = field === undefined ? value : field(value, row, columns);
    if (kept === undefined) continue;
    left ??= [];
    left.push([name, kept]);
  }
  // fromEntries defines properties, so that a key named __proto__ stays a key.
  return left && Object.fromEntries(left);
}

function jsonText(value: Json): string {
  try {
    return JSON.stringify(storableJson(value));
  } catch (error) {
    // The end of the stack; Postgres' own limit comes soon after.
    if (error instanceof RangeError) throw new Unstorable('a field is nested too deeply');
    throw error;
  }
}
