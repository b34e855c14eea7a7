// Which personal data is stored, by the settings. An answer of the API goes in, and comes out without what is not to be
// stored, before anything else sees it: rows, fingerprints and what is computed are made of what is left. What is personal,
// and where it stands in an answer, is said by the descriptors of the tables.

import { createHmac } from 'node:crypto';
import { isJsonObject, type Json } from '../lib/json.ts';
import { isRawNumber } from '../lib/lossless-json.ts';
import { storableText } from '../lib/storable.ts';
import { cellOf, type TableRows } from './fields.ts';
import { type Column, type PersonalData, type Table, tablesOf } from './tables.ts';

export interface MaskSettings {
  /** Kinds that are not stored. */
  omit: readonly PersonalData[];
  /** Kinds that are stored as a keyed hash. */
  hash: readonly Hashable[];
  key: string;
}

export type Hashable = Extract<PersonalData, 'names' | 'addresses'>;

export interface Mask {
  /** Names the settings, key included. Equal answers give equal rows and fingerprints under equal policies. Empty: all is stored. */
  policy: string;
  omits(kind: PersonalData): boolean;
  hashes(kind: PersonalData): boolean;
  /** `hmac:` and 128 bits in hexadecimal digits, of the text as it would be stored. A hash stays as it is. */
  hash(text: string): string;
  /** Masks a conversation of a list or a detail, or a part of one that is a row of `table`. It alters the object itself. */
  conversation(object: Json, table?: Table): Json;
  /** Masks an operator result in the same way. */
  result(object: Json, table?: Table): Json;
  /** Empties the columns of rows that are omitted. */
  blank(rows: TableRows[], tables: readonly Table[]): void;
}

/** A text that is a hash already. */
export const hashPattern = '^hmac:[0-9a-f]{32}$';
const isHash = new RegExp(hashPattern);
/** Agents and numbers of a company occur again and again. */
const mostRemembered = 10_000;

/** Makes a mask. Without anything to omit or to hash, it leaves everything as it is. */
export function createMask({ omit, hash: hashed, key }: MaskSettings): Mask {
  const rules: Rules = {
    omits: (kind) => omit.includes(kind),
    hashes: (kind) => hashed.some((each) => each === kind),
    hash: createHash(key),
  };
  const conversation = createRewrites(tablesOf.conversation, rules);
  const result = createRewrites(tablesOf.operatorResult, rules);
  const isOmitted = ({ personal, needs }: OfColumn) =>
    [personal, needs].some((kind) => kind !== undefined && omit.includes(kind));
  return {
    ...rules,
    policy: policyOf({ omit, hash: hashed, key }),
    conversation: (object, table = tablesOf.conversation[0]) => rewritten(conversation.get(table), object),
    result: (object, table = tablesOf.operatorResult[0]) => rewritten(result.get(table), object),
    blank(rows, tables) {
      if (omit.length === 0) return;
      for (const [at, { key, columns }] of tables.entries())
        for (const [place, [name, column]] of Object.entries(columns).entries()) {
          const of = rows[at];
          if (of !== undefined && !key.includes(name) && isOmitted(column)) of.columns[place] = nulls(of.rows);
        }
    },
  };
}

const nulls = (length: number) => new Array<null>(length).fill(null);

function policyOf({ omit, hash, key }: MaskSettings): string {
  const parts = [
    ...(omit.length === 0 ? [] : [`omit ${omit.toSorted().join(',')}`]),
    // Of the key, enough to notice that it is another one.
    ...(hash.length === 0 ? [] : [`hash ${hash.toSorted().join(',')} ${hmac(key, 'policy').slice(0, 8)}`]),
  ];
  return parts.join('; ');
}

/** Whether more of operator results is stored than under a policy before; null: an unknown one. */
export function showsMoreResults({ omits }: Pick<Mask, 'omits'>, before: string | null): boolean {
  const omitted = before === null ? null : (/omit ([^;]*)/.exec(before)?.[1]?.split(',') ?? []);
  return (['results', 'extra'] as const).some((kind) => !omits(kind) && (omitted === null || omitted.includes(kind)));
}

const hmac = (key: string, text: string) => createHmac('sha256', key).update(text).digest('hex');

function createHash(key: string): (text: string) => string {
  const remembered = new Map<string, string>();
  return (given) => {
    const known = remembered.get(given);
    if (known !== undefined) return known;
    const text = storableText(given);
    const hash = isHash.test(text) ? text : `hmac:${hmac(key, text).slice(0, 32)}`;
    if (remembered.size >= mostRemembered) remembered.clear();
    remembered.set(given, hash);
    return hash;
  };
}

type Rules = Pick<Mask, 'omits' | 'hashes' | 'hash'>;
type OfColumn = Pick<Column, 'personal'> & { needs?: PersonalData };
type Rewrite = (value: Json) => Json;

const rewritten = (rewrite: Rewrite | null | undefined, value: Json) => (rewrite ? rewrite(value) : value);

/** A field of the API's object: the columns that take it whole, those that take what is inside, and the table that its elements are rows of. */
interface Field {
  whole: Column[];
  inside: Map<string, Field>;
  child: Table | null;
}

/** What becomes of the rows of each table; null: nothing. */
function createRewrites(tables: readonly Table[], rules: Rules): Map<Table | undefined, Rewrite | null> {
  const rewrites = new Map<Table | undefined, Rewrite | null>();
  // Children before their parents.
  for (const table of tables.toReversed())
    rewrites.set(table, rewriteObject(fieldsOf(table, tables), isRestOmitted(table, rules), rules, rewrites));
  return rewrites;
}

const isRestOmitted = ({ columns }: Table, { omits }: Rules) =>
  Object.values(columns).some(({ from, personal }) => from === 'rest' && personal !== undefined && omits(personal));

function fieldsOf(table: Table, tables: readonly Table[]): Map<string, Field> {
  const fields = new Map<string, Field>();
  const fieldAt = (path: string): Field => {
    let inside = fields;
    let field: Field | undefined;
    for (const name of path.split('.')) {
      field = inside.get(name) ?? { whole: [], inside: new Map(), child: null };
      inside.set(name, field);
      inside = field.inside;
    }
    if (field === undefined) throw new TypeError(`${table.name}: a path is empty`);
    return field;
  };
  for (const column of Object.values(table.columns))
    if (column.from === 'field') for (const path of column.paths) fieldAt(path).whole.push(column);
  for (const child of tables) if (child.parent?.table === table) fieldAt(child.parent.array).child = child;
  return fields;
}

/** Fields that are masked where they are; `dropsRest`: those that no column takes go. Anything but an object, where one is to be masked, is null. */
function rewriteObject(
  fields: Map<string, Field>,
  dropsRest: boolean,
  rules: Rules,
  children: Map<Table | undefined, Rewrite | null>,
): Rewrite | null {
  const rewrites = [...fields].flatMap(([name, field]) => {
    const rewrite = rewriteField(field, dropsRest, rules, children);
    return rewrite === null ? [] : [{ name, rewrite }];
  });
  if (rewrites.length === 0 && !dropsRest) return null;
  return (object) => {
    if (!isJsonObject(object) || isRawNumber(object)) return null;
    for (const { name, rewrite } of rewrites) {
      const value = object[name];
      if (value !== undefined && value !== null) object[name] = rewrite(value);
    }
    if (dropsRest) for (const name in object) if (!fields.has(name)) delete object[name];
    return object;
  };
}

function rewriteField(
  { whole, inside, child }: Field,
  dropsRest: boolean,
  rules: Rules,
  children: Map<Table | undefined, Rewrite | null>,
): Rewrite | null {
  if (child !== null) return rewriteArray(child, rules, children);
  const hidden = whole.flatMap(({ personal }) => personal ?? []);
  if (hidden.some(rules.omits)) return inside.size === 0 ? () => null : keepUnhidden(inside, rules);
  if (hidden.some(rules.hashes)) return (value) => (typeof value === 'string' ? rules.hash(value) : null);
  return whole.length > 0 ? null : rewriteObject(inside, dropsRest, rules, children);
}

/** Of a value that is omitted, what columns of its own take that are not: the label of a result. */
function keepUnhidden(inside: Map<string, Field>, { omits }: Rules): Rewrite {
  const kept = [...inside].flatMap(([name, { whole }]) =>
    whole.flatMap((column) =>
      column.from === 'field' && !(column.personal && omits(column.personal))
        ? [{ name, isTaken: cellOf[column.type] }]
        : [],
    ),
  );
  return (value) => {
    if (!isJsonObject(value)) return null;
    const left = kept.filter(({ name, isTaken }) => isTaken(value[name] ?? null) !== null);
    return Object.fromEntries(left.map(({ name }) => [name, value[name] ?? null]));
  };
}

/** Elements that are a row each. An array that is omitted is empty, since one that is absent would say nothing of what is stored. */
function rewriteArray(child: Table, rules: Rules, children: Map<Table | undefined, Rewrite | null>): Rewrite | null {
  const element = child.columns[child.key.at(-1) ?? ''];
  if (element?.from !== 'element') {
    const rewrite = children.get(child) ?? null;
    return rewrite && ((value) => (Array.isArray(value) ? value.map(rewrite) : null));
  }
  const { personal } = element;
  if (personal === undefined) return null;
  if (rules.omits(personal)) return (value) => (Array.isArray(value) ? [] : null);
  if (!rules.hashes(personal)) return null;
  const hashed = (each: Json) => (typeof each === 'string' ? [rules.hash(each)] : []);
  return (value) => (Array.isArray(value) ? value.flatMap(hashed) : null);
}

// Stands last because it needs all of the above.
/** Stores everything. */
export const noMask: Mask = createMask({ omit: [], hash: [], key: '' });
