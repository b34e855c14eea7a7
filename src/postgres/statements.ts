// A table's descriptor in, its SQL out: statements that write what differs, delete what is gone, and say which
// conversations they touched. Rows that are equal are not written.

import { computedOf, conversations, scopeOf, type Table, tablesOf } from '../sync/tables.ts';
import { fromMicroseconds } from './instant.ts';

const children = tablesOf.conversation.filter(({ parent }) => parent !== undefined);

/** A table's parts as SQL. Parameters are an array for each column, then one for each scope column. */
function partsOf(table: Table) {
  const { columns, key, computedIf } = table;
  const names = Object.keys(columns);
  const values = names.filter((column) => !key.includes(column));
  const computed = computedOf(table);
  const given = values.filter((column) => !computed.includes(column));
  const scope = scopeOf(table);
  const types = [...Object.values(columns).map(({ type }) => type), ...scope.map(() => 'text')];
  // An array of arrays would be one array to unnest: each comes as JSON. A cast from text would be a stable function, with which Citus
  // cannot insert from a select.
  const arrays = types.map((type, at) => `$${1 + at}::${type === 'text[]' ? 'jsonb' : type}[]`);
  const unnested = `unnest(${arrays.slice(0, names.length).join(', ')})`;
  const cast = names.map((name) =>
    columns[name]?.type === 'text[]' ? `${textsOf(`"${name}"`)} as "${name}"` : `"${name}"`,
  );
  const isComputed = (of: string) => `${of}."${computedIf}" is not null`;
  return {
    isComputed,
    computed,
    values,
    scope,
    list: list(names),
    key: list(key),
    answer: types.includes('text[]')
      ? `(select ${cast.join(', ')} from ${unnested} as sent(${list(names)})) as answer`
      : `${unnested} as answer(${list(names)})`,
    scopes: `unnest(${arrays.slice(names.length).join(', ')}) as scope(${list(scope)})`,
    update: [
      ...given.map((column) => `"${column}" = excluded."${column}"`),
      ...computed.map(
        (column) =>
          `"${column}" = case when ${isComputed('excluded')} then excluded."${column}" else kept."${column}" end`,
      ),
    ].join(', '),
    sameKey: same(key, 'stored', 'answer'),
    sameValues: [
      ...(given.length === 0 ? [] : [`and ${row(given, 'stored')} is not distinct from ${row(given, 'answer')}`]),
      ...(computed.length === 0
        ? []
        : [
            `and (not ${isComputed('answer')} or ${row(computed, 'stored')} is not distinct from ${row(computed, 'answer')})`,
          ]),
    ].join(' '),
    gone: `${same(scope, 'stored', 'scope')} and ${row(key, 'stored')} not in (select ${list(key)} from answer)`,
  };
}

/** An array of texts from an array in JSON; null where that is null. */
const textsOf = (json: string) =>
  `case when ${json} is not null then array(select jsonb_array_elements_text(${json})) end`;
const list = (columns: string[]) => columns.map((column) => `"${column}"`).join(', ');
const row = (columns: string[], of: string) => `(${columns.map((column) => `${of}."${column}"`).join(', ')})`;
const same = (columns: string[], a: string, b: string) =>
  columns.map((column) => `${a}."${column}" = ${b}."${column}"`).join(' and ');

/** Makes stored rows equal to an answer's. Returns the ids of the conversations that it touched. */
export function mergeStatement(table: Table): string {
  const { name, key } = table;
  const parts = partsOf(table);
  const written = `insert into twilio.${name} as kept (${parts.list})
      select ${parts.list} from answer where not exists (select from twilio.${name} stored where ${parts.sameKey} ${parts.sameValues})
      on conflict (${parts.key}) do ${parts.values.length === 0 ? 'nothing' : `update set ${parts.update}`}
      returning "${key[0]}" as id`;
  if (parts.scope.length === 0) return `with answer as materialized (select * from ${parts.answer}) ${written}`;
  return `with answer as materialized (select * from ${parts.answer}),
    gone as (delete from twilio.${name} stored using ${parts.scopes} where ${parts.gone} returning stored."${key[0]}" as id),
    written as (${written})
    select id from gone union select id from written`;
}

/**
 * Parameters: the columns' alone. For rows of conversations that were not stored before. The lease, which is one row, is there for
 * Citus: it copies what a select without a table gives, and an error then has no code.
 */
export function insertStatement(table: Table): string {
  const { list, answer } = partsOf(table);
  return `insert into twilio.${table.name} (${list}) select ${list} from ${answer}, twilio_sync.lease`;
}

/** Merges conversations. The stamp is the lease's. Returns the ids of rows that are new (`fresh`), differ, or were deleted. */
export function conversationStatement(): string {
  const parts = partsOf(conversations);
  const stamp = fromMicroseconds('lease.stamp');
  // A stamp is given out once: only a row that is new has its own for both.
  return `insert into twilio.conversations as kept (${parts.list}, first_synced_at, synced_at)
    select answer.*, ${stamp}, ${stamp}
    from ${parts.answer}, twilio_sync.lease
    where not exists (select from twilio.conversations stored where ${parts.sameKey} and stored.deleted_at is null ${parts.sameValues})
    on conflict (id) do update set ${parts.update}, synced_at = excluded.synced_at, deleted_at = null
    returning id, first_synced_at = synced_at as fresh`;
}

/** Merges the rows of a table with stamps of its own, in a transaction that holds the lease. */
export function namesStatement(table: Table): string {
  const parts = partsOf(table);
  const stamp = fromMicroseconds('lease.stamp');
  return `insert into twilio.${table.name} (${parts.list}, synced_at)
    select answer.*, ${stamp} from ${parts.answer}, twilio_sync.lease
    where not exists (select from twilio.${table.name} stored where ${parts.sameKey} and stored.deleted_at is null ${parts.sameValues})
    on conflict (${parts.key}) do update set ${parts.update}, deleted_at = null, synced_at = excluded.synced_at`;
}

/** Returns the conversations that differ from the answer, of each the part (the second column of the key, if there is one), and the columns in which they do. 'row missing' and 'row too many' stand for whole rows. */
export function differenceStatement(table: Table): string {
  const { name, key } = table;
  const parts = partsOf(table);
  const id = key[0];
  const part = key[1] ?? id;
  const checks = [
    `('row missing', stored."${id}" is null)`,
    ...parts.values.map(
      (column) =>
        `('${column}', stored."${id}" is not null and stored."${column}" is distinct from answer."${column}"${
          parts.computed.includes(column) ? ` and ${parts.isComputed('answer')}` : ''
        })`,
    ),
  ];
  const tooMany = `union select stored."${id}" as id, stored."${part}"::text as part, 'row too many' as place from twilio.${name} stored, ${parts.scopes} where ${parts.gone}`;
  return `with answer as materialized (select * from ${parts.answer})
    select answer."${id}" as id, answer."${part}"::text as part, place from answer
    left join twilio.${name} stored on ${parts.sameKey}
    cross join lateral (values ${checks.join(', ')}) as checks(place, differs)
    where differs
    ${parts.scope.length === 0 ? '' : tooMany}`;
}

/** SQL for how many rows the child tables hold of each conversation in `$n`, as `id` and `children`. */
export function countsOf(n: number): string {
  return `select asked.id, coalesce(children, 0)::int as children from unnest($${n}::text[]) as asked(id)
    left join (${countsWhere(`conversation_id = any($${n})`)}) as counted on counted.id = asked.id`;
}

/** The same of the conversations after `$after`, up to `$last`. One without such rows is left out. */
export function countsBetween(after: number, last: number): string {
  return countsWhere(`conversation_id > $${after} and conversation_id <= $${last}`);
}

function countsWhere(condition: string): string {
  const rows = children.map(({ name }) => `select conversation_id from twilio.${name} where ${condition}`);
  return `select conversation_id as id, count(*)::int as children from (${rows.join(' union all ')}) as each group by 1`;
}
