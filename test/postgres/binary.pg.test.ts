// What Postgres makes of arrays in its binary format: for every type the values that went in, however they were cut into
// pieces.

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { storableText } from '../../src/lib/storable.ts';
import { binaryArray, CellWriter } from '../../src/postgres/binary.ts';
import { type Database, openDatabase } from '../../src/postgres/database.ts';
import type { Cell } from '../../src/sync/fields.ts';
import type { ColumnType } from '../../src/sync/tables.ts';
import { openEmptyDatabase, type TestDatabase } from '../database.ts';

let opened: TestDatabase;
let database: Database;

beforeAll(async () => {
  opened = await openEmptyDatabase();
  database = openDatabase(opened.connection);
});

afterAll(async () => {
  await database.close();
  await opened[Symbol.asyncDispose]();
});

const text = fc.string({ unit: 'binary', maxLength: 40 }).map(storableText);
/** Short and long in turn, so that the writer's memory has to grow, and more than once. */
const texts = fc.oneof(
  text,
  fc.nat(300_000).map((length) => 'ä€😀x'.repeat(length / 4)),
);
const time = fc
  .tuple(
    fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
    fc.nat(999_999),
  )
  .map(([date, micros]) => `${date.toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`);

/** As text, which is what a person reads, told back by Postgres. */
const shown: Record<ColumnType, string> = {
  text: 'value',
  integer: 'value::text',
  boolean: 'value::text',
  jsonb: 'value::text',
  'double precision': 'value::text',
  'text[]': 'value::text',
  timestamptz: `to_char(value at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
};

const values: Record<ColumnType, fc.Arbitrary<Cell>> = {
  text: texts,
  integer: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  boolean: fc.boolean(),
  jsonb: fc.oneof(
    fc.integer().map(String),
    text.map((each) => JSON.stringify(each.replaceAll(/[^ -~]/g, ''))),
  ),
  'double precision': fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => each + 0),
  'text[]': fc.array(text).map((each) => JSON.stringify(each.map((every) => every.replaceAll(/[^ -~]/g, '')))),
  timestamptz: time,
};

test.each(Object.keys(values) as ColumnType[])('%s', async (type) => {
  const cells = fc.array(fc.option(values[type]), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.array(cells, { maxLength: 4 }), async (groups) => {
      const writer = new CellWriter();
      const pieces = groups.map((group) => {
        writer.write(type, group);
        const bytes = writer.take();
        return { bytes, ends: [bytes.length] };
      });
      const all = groups.flat();
      const answer = await database.run(({ sql }) =>
        sql<{ value: string | null }>(
          `select ${shown[type]} as value from unnest($1::${type === 'text[]' ? 'jsonb' : type}[]) with ordinality as answer(value, at) order by at`,
          [binaryArray(type, all.length, pieces, 0)],
        ),
      );
      // Postgres writes 1e-07 where JavaScript writes 1e-7, and a space after the commas of JSON.
      const plain = (value: string | null) => {
        if (value === null) return null;
        if (type === 'double precision') return String(Number(value));
        return type === 'text[]' ? JSON.stringify(JSON.parse(value)) : value;
      };
      expect(answer.map(({ value }) => plain(value))).toEqual(all.map((cell) => (cell === null ? null : String(cell))));
    }),
    { numRuns: 40 },
  );
});
