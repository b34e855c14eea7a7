// What the tables of operator results and of names have to hold for what the API holds, said straight from the contract,
// row by row, and in another way than the program says it.

import type pg from 'pg';
import type { WireOperatorResult } from '../src/simulator/results.ts';
import type { Source } from '../src/simulator/source.ts';

/** Every result that is missing, too many or different. Results of conversations that are not stored are not expected. */
export async function resultDifferences(
  client: pg.Pool | pg.Client,
  results: Iterable<WireOperatorResult>,
): Promise<string[]> {
  const conversations = new Set(
    (await client.query<{ id: string }>('select id from twilio.conversations where deleted_at is null')).rows.map(
      ({ id }) => id,
    ),
  );
  const found: string[] = [];
  const expected = new Map<string, unknown>();
  for (const each of results) {
    const result = each as unknown as Record<string, unknown>;
    const conversation = String(result['conversationId']);
    if (!conversations.has(conversation)) continue;
    expected.set(`${conversation} ${String(result['id'])}`, rowOf(result));
  }
  const { rows } = await client.query<{ key: string; row: Record<string, unknown> }>(`
    select r.conversation_id || ' ' || r.id as key, to_jsonb(r) - 'created_at' - 'triggered_at' || jsonb_build_object(
      'created_at', ${iso('r.created_at')}, 'triggered_at', ${iso('r.triggered_at')}, 'result', r.result::text, 'extra', r.extra::text,
      'references', array(select reference_id from twilio.operator_result_references f
        where f.conversation_id = r.conversation_id and f.operator_result_id = r.id order by 1)) as row
    from twilio.operator_results r join twilio.conversations c on c.id = r.conversation_id where c.deleted_at is null`);
  const actual = new Map(rows.map(({ key, row }) => [key, row]));
  const texts: { key: string; column: string; wanted: string | null; stored: string | null }[] = [];
  for (const [key, row] of expected) {
    const other = actual.get(key);
    if (other === undefined) {
      found.push(`${key}: not stored`);
      continue;
    }
    for (const [column, value] of Object.entries(row as Record<string, unknown>)) {
      if (JSON.stringify(value) === JSON.stringify(other[column])) continue;
      if (column === 'result' || column === 'extra')
        texts.push({ key, column, wanted: value as string | null, stored: other[column] as string | null });
      else found.push(`${key} ${column}: ${JSON.stringify(value)} stored as ${JSON.stringify(other[column])}`);
    }
  }
  // Postgres' own word on it: 12.50 and 12.5 are one number.
  const differing = await client.query<{ at: number }>(
    `select at::int - 1 as at from unnest($1::text[], $2::text[]) with ordinality as each(wanted, stored, at)
     where wanted::jsonb is distinct from stored::jsonb`,
    [texts.map(({ wanted }) => wanted), texts.map(({ stored }) => stored)],
  );
  for (const { at } of differing.rows) {
    const { key, column, wanted, stored } = texts[at] ?? {};
    found.push(`${key} ${column}: ${wanted?.slice(0, 200)} stored as ${stored?.slice(0, 200)}`);
  }
  for (const key of actual.keys()) if (!expected.has(key)) found.push(`${key}: stored, but not at the source`);
  return found;
}

const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

async function sameJson(client: pg.Pool | pg.Client, a: unknown, b: unknown): Promise<boolean> {
  const { rows } = await client.query<{ same: boolean }>('select $1::jsonb is not distinct from $2::jsonb as same', [
    a,
    b,
  ]);
  return rows[0]?.same === true;
}

type Value = unknown;

const inside = (value: Value, ...names: string[]): Value =>
  names.reduce<Value>(
    (at, name) =>
      typeof at === 'object' && at !== null && !Array.isArray(at) ? (at as Record<string, Value>)[name] : undefined,
    value,
  );
const text = (value: Value) => (typeof value === 'string' ? clean(value) : null);
const whole = (value: Value) =>
  typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? value : null;
const time = (value: Value) => {
  const [, seconds, fraction = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z$/.exec(typeof value === 'string' ? value : '') ?? [];
  return seconds === undefined ? null : `${seconds}.${fraction.padEnd(6, '0').slice(0, 6)}Z`;
};

function rowOf(result: Record<string, Value>): Record<string, Value> {
  const whatever = result['result'];
  const references = result['referenceIds'];
  const isReferences = Array.isArray(references) && references.every((each) => typeof each === 'string');
  const columns: Record<string, Value> = {
    account_id: text(result['accountId']),
    operator_id: text(inside(result, 'operator', 'id')),
    operator_version: whole(inside(result, 'operator', 'version')),
    intelligence_configuration_id: text(inside(result, 'intelligenceConfiguration', 'id')),
    intelligence_configuration_version: whole(inside(result, 'intelligenceConfiguration', 'version')),
    rule_id: text(inside(result, 'intelligenceConfiguration', 'ruleId')),
    output_format: text(result['outputFormat']),
    text: text(inside(whatever, 'text')) ?? text(whatever),
    label: text(inside(whatever, 'label')),
    result: whatever === null || whatever === undefined ? null : cleanJson(whatever),
    trigger: text(inside(result, 'executionDetails', 'trigger', 'on')),
    triggered_at: time(inside(result, 'executionDetails', 'trigger', 'timestamp')),
    first_communication_id: text(inside(result, 'executionDetails', 'communications', 'first')),
    last_communication_id: text(inside(result, 'executionDetails', 'communications', 'last')),
    model: text(inside(result, 'metadata', 'system', 'resolvedModel')),
    latency_ms: whole(inside(result, 'metadata', 'system', 'latencyMs')),
    input_characters: whole(inside(result, 'metadata', 'system', 'inputCharacters')),
    output_characters: whole(inside(result, 'metadata', 'system', 'outputCharacters')),
    input_truncated:
      typeof inside(result, 'metadata', 'system', 'inputTruncated') === 'boolean'
        ? inside(result, 'metadata', 'system', 'inputTruncated')
        : null,
    created_at: time(result['dateCreated']),
    extra: extraOf(result, columnsOfResult),
    references: isReferences ? [...new Set((references as string[]).map(clean))].sort() : [],
  };
  return columns;
}

/** What has a column: a field, or an object of which some fields have one. */
interface Columns {
  [field: string]: true | ((value: Value) => Value) | Columns;
}

const columnsOfResult: Columns = {
  id: true,
  conversationId: true,
  accountId: text,
  operator: { id: text, version: whole },
  intelligenceConfiguration: { id: text, version: whole, ruleId: text },
  outputFormat: text,
  result: true,
  dateCreated: true,
  referenceIds: (value) => (Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : null),
  executionDetails: { trigger: { on: text, timestamp: time }, communications: { first: text, last: text } },
  metadata: {
    system: {
      resolvedModel: text,
      latencyMs: whole,
      inputCharacters: whole,
      outputCharacters: whole,
      inputTruncated: (value) => (typeof value === 'boolean' ? value : null),
    },
  },
};

/** Whatever has no column, nested as it came. */
function extraOf(value: Record<string, Value>, columns: Columns): string | null {
  const left = leftOf(value, columns);
  return left === undefined ? null : cleanJson(left);
}

function leftOf(value: Record<string, Value>, columns: Columns): Record<string, Value> | undefined {
  const left = Object.entries(value).flatMap(([name, inner]) => {
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
    if (column === undefined) return [[name, inner] as const];
    if (column === true || inner === null || inner === undefined) return [];
    if (typeof column === 'function') return column(inner) === null ? [[name, inner] as const] : [];
    if (typeof inner !== 'object' || Array.isArray(inner)) return [[name, inner] as const];
    const rest = leftOf(inner as Record<string, Value>, column);
    return rest === undefined ? [] : [[name, rest] as const];
  });
  return left.length === 0 ? undefined : Object.fromEntries(left);
}

const columnsOfNames = {
  operators: {
    id: ['id', text],
    name: ['displayName', text],
    description: ['description', text],
    version: ['version', whole],
    author: ['author', text],
    output_format: ['outputFormat', text],
  },
  intelligence_configurations: {
    id: ['id', text],
    account_id: ['accountId', text],
    name: ['displayName', text],
    description: ['description', text],
    version: ['version', whole],
    created_at: ['dateCreated', time],
    updated_at: ['dateUpdated', time],
  },
} satisfies Record<string, Record<string, [string, (value: Value) => Value]>>;

/** What differs in the names of operators and configurations. One that is gone keeps its row, marked deleted. */
export async function nameDifferences(client: pg.Pool | pg.Client, source: Source): Promise<string[]> {
  const found: string[] = [];
  for (const [table, columns] of Object.entries(columnsOfNames)) {
    const times = Object.keys(columns).filter((column) => column.endsWith('_at'));
    const written = times.map((column) => ` || jsonb_build_object('${column}', ${iso(column)})`).join('');
    const { rows } = await client.query<{ id: string; gone: boolean; row: Record<string, Value> }>(
      `select id, deleted_at is not null as gone, to_jsonb(t)${written} || jsonb_build_object('extra', extra::text) as row from twilio.${table} t`,
    );
    const stored = new Map(rows.map((each) => [each.id, each]));
    const held = table === 'operators' ? source.operators : source.configurations;
    for (const [id, value] of held) {
      const row = stored.get(id);
      if (row === undefined || row.gone) found.push(`${table} ${id}: not stored, or marked deleted`);
      const fields = Object.fromEntries(Object.values(columns).map(([field, read]) => [field, read]));
      const wanted: Record<string, Value> = { extra: extraOf(value, { ...fields, id: true }) };
      for (const [column, [field, read]] of Object.entries(columns)) wanted[column] = read(value[field]);
      for (const [column, each] of Object.entries(wanted)) {
        const other = row?.row[column];
        if (column === 'extra' ? await sameJson(client, each, other) : each === other) continue;
        found.push(`${table} ${id} ${column}: ${JSON.stringify(each)} stored as ${JSON.stringify(other)}`);
      }
    }
    for (const [id, { gone }] of stored)
      if (!held.has(id) && !gone) found.push(`${table} ${id}: is not marked deleted`);
  }
  return found;
}

function clean(given: string): string {
  if (given.isWellFormed() && !given.includes('\u0000')) return given;
  return given
    .replaceAll('\u0000', '\ufffd')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

function cleanJson(value: Value): string {
  return JSON.stringify(value)
    .replaceAll('\\u0000', '\\ufffd')
    .replace(/\\ud[89ab][0-9a-f]{2}|\\ud[c-f][0-9a-f]{2}/g, '\\ufffd');
}
