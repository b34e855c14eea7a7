// From an outputSchema to the columns of a view, whatever the schema is; and names that are given once.

import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/lib/json.ts';
import {
  cleanName,
  extendColumns,
  freeName,
  maxColumns,
  type ViewColumn,
  wantedColumns,
} from '../../src/postgres/operator-columns.ts';

const ofSchema = (outputSchema: Json, outputFormat = 'JSON') => wantedColumns({ outputFormat, outputSchema });
const typesOf = (properties: { [name: string]: Json }, more: { [name: string]: Json } = {}) =>
  Object.fromEntries(
    ofSchema({ ...more, properties }).map((each) => ['property' in each ? each.property : each.column, each.type]),
  );
const extend = (recorded: ViewColumn[], properties: { [name: string]: Json }) =>
  extendColumns(recorded, ofSchema({ properties }), ['conversation_id', 'created_at']);
const namesOf = ({ columns }: { columns: ViewColumn[] }) => columns.map(({ name }) => name);

describe('types', () => {
  test('of JSON schema', () => {
    expect(
      typesOf({
        a: { type: 'string' },
        b: { type: 'number' },
        c: { type: 'integer' },
        d: { type: 'boolean' },
        e: { type: 'array', items: { type: 'string' } },
        f: { type: 'object', properties: {} },
        g: { type: ['string', 'null'] },
        h: { type: ['null', 'integer', 'number'] },
        i: { type: ['string', 'number'] },
        j: { type: 'null' },
        k: { type: 'money' },
        l: { type: 5 },
      }),
    ).toEqual({
      ...{ a: 'text', b: 'numeric', c: 'bigint', d: 'boolean', e: 'jsonb', f: 'jsonb', g: 'text', h: 'numeric' },
      ...{ i: 'jsonb', j: 'jsonb', k: 'jsonb', l: 'jsonb' },
    });
  });

  test('by values, references and compositions', () => {
    const definitions = { $defs: { 'a/b': { type: 'integer' }, loop: { $ref: '#/$defs/loop' } } };
    expect(
      typesOf(
        {
          a: { enum: ['yes', 'no', null] },
          b: { const: true },
          c: { anyOf: [{ type: 'string' }, { type: 'null' }] },
          d: { oneOf: [{ type: 'string' }, { type: 'boolean' }] },
          e: { allOf: [{ $ref: '#/$defs/a~1b' }, { minimum: 0 }] },
          f: { $ref: '#/$defs/loop' },
          g: { $ref: 'https://example.com/schema.json' },
          h: { $ref: '#/$defs/missing/deeper' },
          i: {},
          j: { properties: {} },
        },
        definitions,
      ),
    ).toEqual({
      ...{ a: 'text', b: 'boolean', c: 'text', d: 'jsonb', e: 'bigint', f: 'jsonb', g: 'jsonb', h: 'jsonb' },
      ...{ i: 'jsonb', j: 'jsonb' },
    });
  });
});

describe('properties', () => {
  test('those that are required come first, in their order, then the others by name', () => {
    const properties = { zebra: {}, apple: {}, score: {}, adherent: {} };
    const names = ofSchema({ properties, required: ['score', 'adherent', 'unknown', 7] }).map(
      (each) => 'property' in each && each.property,
    );
    expect(names).toEqual(['score', 'adherent', 'apple', 'zebra']);
  });

  test('are found behind a reference and in compositions, each once for each type', () => {
    const outputSchema = {
      $ref: '#/$defs/root',
      $defs: {
        root: {
          properties: { kind: { const: 'a', description: 'Which it is.' } },
          anyOf: [
            { properties: { kind: { const: 'b' }, score: { type: 'number' } } },
            { properties: { score: { type: 'string' } } },
          ],
        },
      },
    };
    expect(ofSchema(outputSchema)).toEqual([
      { property: 'kind', type: 'text', description: 'Which it is.' },
      { property: 'score', type: 'numeric', description: '' },
      { property: 'score', type: 'text', description: '' },
    ]);
  });

  test.each([
    null,
    true,
    7,
    'a text',
    [],
    {},
    { type: 'array', items: { type: 'string' } },
    { properties: null },
    { properties: [] },
    { properties: {} },
  ])('a schema that names none gives the whole result: %j', (outputSchema) => {
    expect(ofSchema(outputSchema)).toEqual([{ column: 'result', type: 'jsonb', description: 'The whole result.' }]);
  });

  test('schemas that contain themselves many times over, and are nested deeply, end', () => {
    const many = Array.from({ length: 50 }, () => ({ $ref: '#' }));
    let deep: Json = { type: 'string' };
    for (let level = 0; level < 5_000; level++) deep = { allOf: [deep] };
    expect(typesOf({ a: { anyOf: many }, b: deep }, { anyOf: many })).toEqual({ a: 'jsonb', b: 'jsonb' });
  });

  test('texts, classes and entities have columns without a schema', () => {
    const properties = { text: { type: 'number' }, label: { type: 'number' }, entities: {}, more: { type: 'string' } };
    const sources = (format: string) =>
      ofSchema({ properties }, format).map((each) => ('property' in each ? each.property : `column ${each.column}`));
    expect(sources('TEXT')).toEqual(['column text', 'entities', 'label', 'more']);
    expect(sources('CLASSIFICATION')).toEqual(['column label', 'entities', 'more', 'text']);
    expect(sources('EXTRACTION')).toEqual(['entities', 'label', 'more', 'text']);
    expect(ofSchema(null, 'TEXT')).toEqual([{ column: 'text', type: 'text', description: 'The text.' }]);
  });
});

describe('names', () => {
  test.each([
    ['score', 'score'],
    ['adherenceScore', 'adherence_score'],
    ['Script  adherence (v2)!', 'script_adherence_v2'],
    ['Zufriedenheit für Ärzte', 'zufriedenheit_fur_arzte'],
    ['__proto__', 'proto'],
    ['24h reply', '_24h_reply'],
    ['a\uFFFDb', 'a_b'],
    [`"; drop table x; --`, 'drop_table_x'],
    ['満足度', ''],
    ['', ''],
  ])('%j becomes %j', (text, name) => {
    expect(cleanName(text)).toBe(name);
  });

  test('are cut, also with their number', () => {
    const long = 'x'.repeat(80);
    expect(freeName(long, new Set(), 63)).toBe('x'.repeat(63));
    expect(freeName(long, new Set(['x'.repeat(63)]), 63)).toBe(`${'x'.repeat(61)}_2`);
  });

  test('of different properties differ, and none is that of another column', () => {
    const wanted = { 'created at': {}, createdAt: {}, 満足度: {}, 'Created-At': {}, '': {}, order: {} };
    const names = namesOf(extend([], wanted));
    expect(names).toHaveLength(6);
    expect(new Set(names)).toEqual(
      new Set(['property', 'created_at_2', 'created_at_3', 'created_at_4', 'order', 'property_2']),
    );
  });

  test('stay, and come first, whatever becomes of the schema', () => {
    const { columns } = extend([], { b: { type: 'string' }, c: { type: 'number' } });
    const next = extend(columns, { a: { type: 'string' }, b: { type: 'boolean' }, B: { type: 'string' } });
    expect(next.columns.slice(0, 2)).toEqual(columns);
    expect(next.columns.slice(2)).toEqual([
      { name: 'b_2', property: 'B', type: 'text' },
      { name: 'a', property: 'a', type: 'text' },
      { name: 'b_boolean', property: 'b', type: 'boolean' },
    ]);
    expect(extend(next.columns, { b: { type: 'string' }, c: { type: 'number' } }).columns).toEqual(next.columns);
  });

  test('of 2,000 properties that are one when cleaned: as many as a view should have', () => {
    const wanted = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`${'.'.repeat(at)}a`, {}]));
    const { columns, leftOut } = extend([], wanted);
    expect(new Set(columns.map(({ name }) => name)).size).toBe(maxColumns);
    expect(leftOut).toBe(2_000 - maxColumns);
  });
});
