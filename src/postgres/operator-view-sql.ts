// The SQL of an operator's two views: what the catalogue and the bookkeeping say in, one script out, for one transaction. It only creates
// views and appends columns, so that nothing which depends on a view is dropped. Names and texts from outside are quoted. Pure.

import pg from 'pg';
import {
  cleanName,
  extendColumns,
  freeName,
  identity,
  type Operator,
  type ViewColumn,
  wantedColumns,
} from './operator-columns.ts';
import { bookkeepingOf } from './schemas.ts';

/** An operator, and what there is of its views. */
export interface OperatorFacts extends Operator {
  id: string;
  name: string | null;
  description: string | null;
  /** Its `synced_at`, as text with microseconds. */
  syncedAt: string;
  /** What the bookkeeping has; null if it has no views yet. */
  view: string | null;
  columns: ViewColumn[];
  /** The columns of the relations that have the views' names; null if there is none. */
  latest: string[] | null;
  history: string[] | null;
}

export interface Surroundings {
  schema: string;
  /** Names in the schema that no new view may have. */
  taken: ReadonlySet<string>;
  /** Who new views are to belong to, as SQL; null if to whoever creates them. */
  owner: string | null;
  /** Who may read the view `results`, as SQL. They may read new views as well. */
  readers: string[];
}

export interface ViewPlan {
  operatorId: string;
  operator: string | null;
  view: string;
  /** `made`: at least one of the two views is new. */
  change: 'made' | 'updated';
  script: string;
}

const historySuffix = '_history';
/** Leaves room for the prefix and the suffix. */
const maxSlugLength = 63 - 'result_'.length - historySuffix.length;
const maxCommentLength = 1_000;

/** How long a statement waits for a query that reads a view. Everybody who reads it later waits behind it. */
export const viewLockMs = 2_000;

/** What every view begins with. */
const baseColumns: readonly Column[] = (
  [
    ['conversation_id', 'r.conversation_id', 'The conversation.'],
    ['operator_result_id', 'r.id', "The API's id of the result."],
    ['created_at', 'r.created_at', 'When the result was made.'],
    ['conversation_created_at', 'c.created_at', 'When the conversation began.'],
    ['day', "(c.created_at at time zone 'UTC')::date", 'The day on which the conversation began, UTC.'],
    ['channel', 'c.channels[1]', 'Its channel; of several, the first in alphabetical order.'],
    ['deleted_at', 'c.deleted_at', 'When the conversation was found to be gone from the API; null while it is there.'],
    ['synced_at', 'c.synced_at', 'When anything about the conversation or its results last changed here.'],
    ['first_response_address', 'c.first_response_address', 'The address of the agent who answered the customer first.'],
    ['first_response_name', 'c.first_response_name', "That agent's name; null while nobody has answered."],
    ['first_response_type', 'c.first_response_type', "That agent's type: HUMAN_AGENT, AGENT or AI_AGENT."],
    ['operator_version', 'r.operator_version', "The operator's version that ran."],
  ] as const
).map(([name, sql, comment]) => ({ name, sql, comment }));

/** In the history alone. */
const latestColumn = {
  name: 'is_latest',
  comment: 'No later result of the operator is stored for the conversation.',
};

/** Names that no property's column may have. */
const reserved = [...baseColumns, latestColumn].map(({ name }) => name);

export function historyOf(view: string): string {
  return view + historySuffix;
}

/**
 * What is to be done for an operator.
 * @returns a text, if a relation that is not ours has the name of one of its views.
 */
export function planViews(operator: OperatorFacts, around: Surroundings): ViewPlan | string {
  const name = operator.view ?? newName(operator, around.taken);
  const history = historyOf(name);
  const wanted = wantedColumns(operator);
  const { columns, leftOut } = extendColumns(operator.columns, wanted, reserved);
  const more = leftOut === 0 ? '' : ` ${leftOut} more properties have no column here: see result in the view results.`;
  const author = operator.description === null ? '' : ` Its description: ${operator.description}`;
  const about = `operator ${operator.name ?? operator.id}`;
  const views: View[] = [
    {
      name,
      found: operator.latest,
      isHistory: false,
      comment: `The latest result of ${about} for each conversation, deleted ones too (deleted_at). Earlier results are in ${history}.${more}${author}`,
    },
    {
      name: history,
      found: operator.history,
      isHistory: true,
      comment: `Every result of ${about}, also of deleted conversations (deleted_at). The latest ones alone are in ${name}.${more}${author}`,
    },
  ];
  const foreign = views.find(({ found, isHistory }) => {
    const made = [...baseColumns, ...(isHistory ? [latestColumn] : []), ...operator.columns].map(
      (column) => column.name,
    );
    return found !== null && JSON.stringify(found) !== JSON.stringify(made);
  });
  if (foreign !== undefined)
    return `${around.schema}.${foreign.name} is not the view that was made for the operator: drop or rename it`;
  const descriptions = new Map(wanted.map((each) => [identity(each), each.description]));
  const shown = columns.map((column) => ({
    name: column.name,
    sql: valueSql(column),
    comment: describe(column, descriptions.get(identity(column))),
  }));
  return {
    operatorId: operator.id,
    operator: operator.name,
    view: name,
    change: views.some(({ found }) => found === null) ? 'made' : 'updated',
    script: [
      ...views.flatMap((view) => viewStatements(view, operator.id, shown, around)),
      remember(operator, name, columns, around.schema),
    ].join(';\n'),
  };
}

interface Column {
  name: string;
  sql: string;
  comment: string;
}

interface View {
  name: string;
  /** The columns of the relation that has its name; null if there is none. */
  found: string[] | null;
  isHistory: boolean;
  comment: string;
}

function newName({ id, name }: OperatorFacts, taken: ReadonlySet<string>): string {
  const slug = (cleanName(name ?? '') || cleanName(id) || 'operator').replace(/^_/, '');
  const has = (candidate: string) => taken.has(`result_${candidate}`) || taken.has(historyOf(`result_${candidate}`));
  return `result_${freeName(slug, { has }, maxSlugLength)}`;
}

function viewStatements(
  { name, found, isHistory, comment }: View,
  operatorId: string,
  shown: Column[],
  { schema, owner, readers }: Surroundings,
): string[] {
  const quoted = pg.escapeIdentifier(schema);
  const relation = `${quoted}.${pg.escapeIdentifier(name)}`;
  const isNew = found === null;
  const isLatest = `not exists (select from ${quoted}.operator_results later
    where later.conversation_id = r.conversation_id and later.operator_id = r.operator_id and (later.created_at, later.id) > (r.created_at, r.id))`;
  const columns = [...baseColumns, ...(isHistory ? [{ ...latestColumn, sql: isLatest }] : []), ...shown];
  return [
    // Fails if another relation has taken a new view's name in the meantime.
    `${isNew ? 'create' : 'create or replace'} view ${relation} as
select ${columns.map((column) => `${column.sql} as ${pg.escapeIdentifier(column.name)}`).join(',\n  ')}
from ${quoted}.operator_results r
join ${quoted}.conversations c on c.id = r.conversation_id
where r.operator_id = ${pg.escapeLiteral(operatorId)}${isHistory ? '' : `\n  and ${isLatest}`}`,
    ...(isNew && owner !== null ? [`alter view ${relation} owner to ${owner}`] : []),
    `comment on view ${relation} is ${commentOf(comment)}`,
    ...columns.map(
      (column) => `comment on column ${relation}.${pg.escapeIdentifier(column.name)} is ${commentOf(column.comment)}`,
    ),
    ...(isNew && readers.length > 0 ? [`grant select on ${relation} to ${readers.join(', ')}`] : []),
  ];
}

/** A value of another type than the column's is null: it must not fail the whole view. */
function valueSql(column: ViewColumn): string {
  if ('column' in column) return `r.${column.column}`;
  const name = pg.escapeLiteral(column.property);
  const path = `r.result -> ${name}`;
  const value = `(${path})`;
  const typed = (type: string, sql: string) => `case jsonb_typeof${value} when '${type}' then ${sql} end`;
  switch (column.type) {
    case 'text':
      return typed('string', `r.result ->> ${name}`);
    case 'boolean':
      return typed('boolean', `${value}::boolean`);
    case 'numeric':
      return typed('number', `${value}::numeric`);
    case 'bigint': {
      const number = `${value}::numeric`;
      const fits = `${number} = trunc(${number}) and ${number} between ${-(2n ** 63n)} and ${2n ** 63n - 1n}`;
      return typed('number', `case when ${fits} then ${number}::bigint end`);
    }
    case 'jsonb':
      return `nullif(${path}, 'null')`;
  }
}

const kinds = { text: 'a text', numeric: 'a number', bigint: 'a whole number', boolean: 'true or false' };

/** `description`: the author's words; undefined if the operator no longer has the property in this type. */
function describe(column: ViewColumn, description: string | undefined): string {
  if ('column' in column) return description ?? `Of earlier versions: see ${column.column} in the view results.`;
  const property = `Property ${column.property} of ${description === undefined ? 'earlier results' : 'the result'}`;
  const rest = column.type === 'jsonb' ? '.' : `; null if it is not ${kinds[column.type]}.`;
  return [description ?? '', property + rest].filter((text) => text !== '').join(' ');
}

function commentOf(text: string): string {
  return pg
    .escapeLiteral(text.length > maxCommentLength ? `${text.slice(0, maxCommentLength).toWellFormed()} …` : text)
    .trim();
}

function remember({ id, syncedAt }: OperatorFacts, view: string, columns: ViewColumn[], schema: string): string {
  const values = [id, view, JSON.stringify(columns), syncedAt].map((text) => pg.escapeLiteral(text));
  return `insert into ${pg.escapeIdentifier(bookkeepingOf(schema))}.operator_views (operator_id, name, columns, operator_synced_at)
values (${values.join(', ')})
on conflict (operator_id) do update set columns = excluded.columns, operator_synced_at = excluded.operator_synced_at`;
}
