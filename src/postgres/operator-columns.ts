// The columns of an operator's views: an operator's outputSchema in, columns with names and types out. The schema comes from outside and
// can be anything. A column that was made keeps its name and type, and new ones come after it, since people build on them. Pure.

import { isJsonObject, type Json, type JsonObject } from '../lib/json.ts';

export type ViewColumnType = 'text' | 'numeric' | 'bigint' | 'boolean' | 'jsonb';

/** A property of the result, or a column of operator_results. */
type Source = { property: string } | { column: 'text' | 'label' | 'result' };
type Value = Source & { type: ViewColumnType };

/** A column as the bookkeeping keeps it. */
export type ViewColumn = Value & { name: string };

/** What an operator's results have. */
export type Wanted = Value & { description: string };

export interface Operator {
  outputFormat: string | null;
  outputSchema: Json;
}

/** Property columns of a view, also those of earlier schemas. Postgres takes 1,600 columns, few tools take as many. */
export const maxColumns = 500;
/** In bytes; the names are ASCII. */
const maxNameLength = 63;
/** How deep the schema's references and compositions are followed. */
const maxDepth = 32;

/** What a column of the type is called if an earlier one, of another type, has the property's name. */
const typeWords: Record<ViewColumnType, string> = {
  text: 'text',
  numeric: 'number',
  bigint: 'integer',
  boolean: 'boolean',
  jsonb: 'json',
};

/** Which columns an operator's results need. An operator whose schema names nothing has the whole result. */
export function wantedColumns({ outputFormat, outputSchema }: Operator): Wanted[] {
  const properties = propertiesOf(outputSchema);
  const others = (name: string) => properties.filter(({ property }) => property !== name);
  if (outputFormat === 'TEXT') return [{ column: 'text', type: 'text', description: 'The text.' }, ...others('text')];
  if (outputFormat === 'CLASSIFICATION')
    return [{ column: 'label', type: 'text', description: 'The class.' }, ...others('label')];
  if (outputFormat === 'EXTRACTION')
    return [
      { property: 'entities', type: 'jsonb', description: 'What was found, as an array.' },
      ...others('entities'),
    ];
  if (properties.length > 0) return properties;
  return [{ column: 'result', type: 'jsonb', description: 'The whole result.' }];
}

/**
 * The columns there are, then those that are missing. `reserved`: names that other columns of the views have.
 * @returns also how many properties got no column because there are too many.
 */
export function extendColumns(
  recorded: readonly ViewColumn[],
  wanted: readonly Wanted[],
  reserved: readonly string[],
): { columns: ViewColumn[]; leftOut: number } {
  const columns = [...recorded];
  const known = new Set(recorded.map(identity));
  const taken = new Set([...reserved, ...recorded.map(({ name }) => name)]);
  const sources = new Set(recorded.map(sourceOf));
  let leftOut = 0;
  for (const { description: _, ...each } of wanted) {
    if (known.has(identity(each))) continue;
    if (columns.length >= maxColumns) {
      leftOut += 1;
      continue;
    }
    const base = cleanName(sourceOf(each)) || 'property';
    const typed = sources.has(sourceOf(each)) ? `${base}_${typeWords[each.type]}` : base;
    const name = freeName(typed, taken, maxNameLength);
    columns.push({ name, ...each });
    known.add(identity(each));
    taken.add(name);
    sources.add(sourceOf(each));
  }
  return { columns, leftOut };
}

/** The same property in another type is another column. */
export function identity(column: Value): string {
  return JSON.stringify(['property' in column, sourceOf(column), column.type]);
}

export function sourceOf(column: Value): string {
  return 'property' in column ? column.property : column.column;
}

/** The text in `[a-z0-9_]`, without a digit at its start; `adherenceScore` becomes `adherence_score`. Empty if nothing is left. */
export function cleanName(text: string): string {
  const name = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/(?<=[\p{Ll}\d])(?=\p{Lu})/gu, '_')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  return /^\d/.test(name) ? `_${name}` : name;
}

/** The name, cut to the length; with a number if it is taken. */
export function freeName(name: string, taken: { has(name: string): boolean }, maxLength: number): string {
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? '' : `_${number}`;
    const candidate = name.slice(0, maxLength - suffix.length) + suffix;
    if (!taken.has(candidate)) return candidate;
  }
}

/** The properties of an object's schema: those that are required, in their order, then the others by name. */
function propertiesOf(root: Json): Extract<Wanted, { property: string }>[] {
  const found = new Map<string, Extract<Wanted, { property: string }>>();
  for (const schema of partsOf(root, root)) {
    const properties = fieldOf(schema, 'properties');
    if (!isJsonObject(properties)) continue;
    const required = listOf(fieldOf(schema, 'required')).filter((name) => typeof name === 'string');
    const names = new Set([
      ...required.filter((name) => Object.hasOwn(properties, name)),
      ...Object.keys(properties).sort(),
    ]);
    for (const property of names) {
      const parts = partsOf(properties[property] ?? null, root);
      const description =
        parts.map((part) => fieldOf(part, 'description')).find((text) => typeof text === 'string') ?? '';
      const wanted = { property, type: columnType(parts), description };
      if (!found.has(identity(wanted))) found.set(identity(wanted), wanted);
    }
  }
  return [...found.values()];
}

/** A schema, and every schema that it refers to or is composed of. Each once, so that references in a circle end. */
function partsOf(schema: Json, root: Json): JsonObject[] {
  const parts = new Set<JsonObject>();
  const visit = (each: Json, depth: number): void => {
    if (!isJsonObject(each) || parts.has(each) || depth > maxDepth) return;
    parts.add(each);
    visit(referred(fieldOf(each, '$ref'), root), depth + 1);
    for (const composition of ['allOf', 'anyOf', 'oneOf'])
      for (const part of listOf(fieldOf(each, composition))) visit(part, depth + 1);
  };
  visit(schema, 0);
  return [...parts];
}

/** What a reference like `#/$defs/score` leads to within the schema. */
function referred(reference: Json, root: Json): Json {
  if (typeof reference !== 'string' || !reference.startsWith('#')) return null;
  return reference
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<Json>((at, step) => fieldOf(at, step), root);
}

/** The column type for the types that a property may have. Null is no type of its own: every column takes it. */
function columnType(parts: JsonObject[]): ViewColumnType {
  const types = new Set(parts.flatMap(typesOf));
  types.delete('null');
  if (types.has('number')) types.delete('integer');
  const [type] = types.size === 1 ? types : [];
  switch (type) {
    case 'string':
      return 'text';
    case 'number':
      return 'numeric';
    case 'integer':
      return 'bigint';
    case 'boolean':
      return 'boolean';
    default:
      return 'jsonb';
  }
}

/** The types that a schema names itself, or by its values. */
function typesOf(schema: JsonObject): string[] {
  const named = [fieldOf(schema, 'type')].flat().filter((type) => typeof type === 'string');
  if (named.length > 0) return named;
  if ('const' in schema) return [typeOf(schema['const'] ?? null)];
  const values = listOf(fieldOf(schema, 'enum')).map(typeOf);
  if (values.length > 0) return values;
  if ('properties' in schema) return ['object'];
  return 'items' in schema ? ['array'] : [];
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function fieldOf(value: Json, name: string): Json {
  return isJsonObject(value) && Object.hasOwn(value, name) ? (value[name] ?? null) : null;
}

function listOf(value: Json): Json[] {
  return Array.isArray(value) ? value : [];
}
