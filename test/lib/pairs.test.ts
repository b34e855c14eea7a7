// That the rows hold every pair, and are few: what the tests of switches rest on.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pairwise } from './pairs.ts';

type Row = Record<string, number>;

const dimensions = fc
  .array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 7 })
  .map((sizes) => Object.fromEntries(sizes.map((size, at) => [`d${at}`, Array.from({ length: size }, (_, i) => i)])));

function pairsOf(row: Row): string[] {
  const entries = Object.entries(row);
  return entries.flatMap(([a, i], at) => entries.slice(at + 1).map(([b, j]) => `${a}=${i} ${b}=${j}`));
}

test('every pair of values of any two dimensions is in a row, and every row is whole', () => {
  fc.assert(
    fc.property(dimensions, (given) => {
      const rows = pairwise<Row>(given);
      const held = new Set(rows.flatMap(pairsOf));
      const wanted = Object.entries(given).flatMap(([a, values], at, all) =>
        all.slice(at + 1).flatMap(([b, others]) => values.flatMap((i) => others.map((j) => `${a}=${i} ${b}=${j}`))),
      );
      expect(wanted.filter((pair) => !held.has(pair))).toEqual([]);
      for (const row of rows) {
        expect(Object.keys(row).sort()).toEqual(Object.keys(given).sort());
        for (const [name, value] of Object.entries(row)) expect(given[name]).toContain(value);
      }
    }),
  );
});

test('no row is there for nothing: each holds a pair that no earlier one does', () => {
  fc.assert(
    fc.property(dimensions, (given) => {
      const seen = new Set<string>();
      for (const row of pairwise<Row>(given)) {
        expect(pairsOf(row).some((pair) => !seen.has(pair))).toBe(true);
        for (const pair of pairsOf(row)) seen.add(pair);
      }
    }),
  );
});

test('ten switches of two values take a dozen rows, not a thousand', () => {
  const ten = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`d${at}`, [0, 1]]));
  expect(pairwise<Row>(ten).length).toBeLessThanOrEqual(12);
  expect(pairwise<Row>(ten)).toEqual(pairwise<Row>(ten));
});
