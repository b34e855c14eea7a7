// What the tables of operator results have to hold for what the API holds, said straight from the contract, result by result.

import type pg from 'pg';
import type { Source } from '../src/simulator/source.ts';

/** Every result that is missing, too many or different. Results of conversations that are not stored are not expected. */
export async function resultDifferences(client: pg.Pool | pg.Client, source: Source): Promise<string[]> {
  const stored = new Set(
    (await client.query<{ id: string }>('select id from twilio.conversations where deleted_at is null')).rows.map(
      ({ id }) => id,
    ),
  );
  const found: string[] = [];
  const expected = new Map<string, unknown>();
  for (const each of source.results()) {
    const result = each as unknown as Record<string, unknown>;
    const conversation = String(result['conversationId']);
    if (!stored.has(conversation)) continue;
    expected.set(`${conversation} ${String(result['id'])}`, rowOf(result));
  }
  const { rows } = await client.query<{ key: string; row: Record<string, unknown> }>(`
    select r.conversation_id || ' ' || r.id as key, to_jsonb(r) - 'created_at' - 'triggered_at' || jsonb_build_object(
      'created_at', ${iso('r.created_at')}, 'triggered_at', ${iso('r.triggered_at')}, 'result', r.result::text, 'extra', r.extra::text,
      'references', array(select reference_id from twilio.operator_result_references f
        where f.conversation_id = r.conversation_id and f.operator_result_id = r.id order by 1)) as row
    from twilio.operator_results r join twilio.conversations c on c.id = r.conversation_id where c.deleted_at is null`);
  const actual = new Map(rows.map(({ key, row }) => [key, row]));
  for (const [key, row] of expected) {
    const other = actual.get(key);
    if (other === undefined) {
      found.push(`${key}: not stored`);
      continue;
    }
    for (const [column, value] of Object.entries(row as Record<string, unknown>)) {
      if (JSON.stringify(value) === JSON.stringify(other[column])) continue;
      if ((column === 'result' || column === 'extra') && (await sameJson(client, value, other[column]))) continue;
      found.push(`${key} ${column}: ${JSON.stringify(value)} stored as ${JSON.stringify(other[column])}`);
    }
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
    references: isReferences ? [...new Set((references as string[]).map(clean))].sort() : [],
  };
  return columns;
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
