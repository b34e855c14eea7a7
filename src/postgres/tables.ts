// Each table people query, as loading sees it: its columns with their types, which of them are its key, and which say
// how far an answer speaks. From that one statement a table is made, that deletes what is gone, writes what differs, and
// says which conversations it touched; rows that are equal are not written.

import { fromMicroseconds } from './instant.ts';

export type ColumnType = 'text' | 'int4' | 'jsonb' | 'timestamptz';

export interface Table {
  name: string;
  columns: Record<string, ColumnType>;
  key: string[];
  /** Key columns that name what an answer is about; within it, stored rows that the answer lacks are gone. */
  scope: string[];
}

const child = { conversation_id: 'text' } as const;

export const channels: Table = {
  name: 'conversation_channels',
  columns: { ...child, channel: 'text' },
  key: ['conversation_id', 'channel'],
  scope: ['conversation_id'],
};

export const channelIds: Table = {
  name: 'conversation_channel_ids',
  columns: { ...child, channel_id: 'text' },
  key: ['conversation_id', 'channel_id'],
  scope: ['conversation_id'],
};

export const intelligenceConfigurations: Table = {
  name: 'conversation_intelligence_configurations',
  columns: { ...child, intelligence_configuration_id: 'text' },
  key: ['conversation_id', 'intelligence_configuration_id'],
  scope: ['conversation_id'],
};

export const participants: Table = {
  name: 'participants',
  columns: { ...child, id: 'text', position: 'int4', name: 'text', type: 'text', extra: 'jsonb' },
  key: ['conversation_id', 'id'],
  scope: ['conversation_id'],
};

export const participantAddresses: Table = {
  name: 'participant_addresses',
  columns: { ...child, participant_id: 'text', address: 'text' },
  key: ['conversation_id', 'participant_id', 'address'],
  scope: ['conversation_id', 'participant_id'],
};

export const communications: Table = {
  name: 'communications',
  columns: {
    ...child,
    id: 'text',
    position: 'int4',
    participant_id: 'text',
    text: 'text',
    created_at: 'timestamptz',
    extra: 'jsonb',
  },
  key: ['conversation_id', 'id'],
  scope: ['conversation_id'],
};

export const operatorResultLinks: Table = {
  name: 'operator_result_links',
  columns: { ...child, operator_result_id: 'text', position: 'int4' },
  key: ['conversation_id', 'operator_result_id'],
  scope: ['conversation_id'],
};

export const conversations: Table = {
  name: 'conversations',
  columns: {
    id: 'text',
    account_id: 'text',
    name: 'text',
    status: 'text',
    conversation_configuration_id: 'text',
    created_at: 'timestamptz',
    updated_at: 'timestamptz',
    extra: 'jsonb',
  },
  key: ['id'],
  scope: [],
};

const children = [
  channels,
  channelIds,
  intelligenceConfigurations,
  participants,
  participantAddresses,
  communications,
  operatorResultLinks,
];

/** Every table that holds something of a conversation; its id is the first column of each key. */
export const tablesOfConversation: readonly Table[] = [conversations, ...children];

/** `unnest` of one array a column, named; the parameters begin at `$first`. */
function answer(columns: [name: string, type: string][], alias: string, first: number): string {
  const arrays = columns.map(([, type], at) => `$${first + at}::${type}[]`).join(', ');
  return `unnest(${arrays}) as ${alias}(${columns.map(([name]) => `"${name}"`).join(', ')})`;
}

function same(columns: string[], a: string, b: string): string {
  return columns.map((column) => `${a}."${column}" = ${b}."${column}"`).join(' and ');
}

function row(columns: string[], of: string): string {
  return `(${columns.map((column) => `${of}."${column}"`).join(', ')})`;
}

/** Parameters: an array a column of what the answer has, then an array a scope column of what it speaks of. Returns conversation ids. */
export function childStatement({ name, columns, key, scope }: Table): string {
  const entries = Object.entries(columns);
  const values = Object.keys(columns).filter((column) => !key.includes(column));
  const scopeColumns = scope.map((column): [string, string] => [column, 'text']);
  const list = entries.map(([column]) => `"${column}"`).join(', ');
  const unchanged = `select from twilio.${name} stored where ${same(key, 'stored', 'answer')}${
    values.length === 0 ? '' : ` and ${row(values, 'stored')} is not distinct from ${row(values, 'answer')}`
  }`;
  const update = values.map((column) => `"${column}" = excluded."${column}"`).join(', ');
  return `with answer as materialized (select * from ${answer(entries, 'answer', 1)}),
    gone as (
      delete from twilio.${name} stored using ${answer(scopeColumns, 'scope', 1 + entries.length)}
      where ${same(scope, 'stored', 'scope')} and ${row(key, 'stored')} not in (select ${key.join(', ')} from answer)
      returning stored.conversation_id),
    written as (
      insert into twilio.${name} (${list}) select ${list} from answer where not exists (${unchanged})
      on conflict (${key.join(', ')}) do ${values.length === 0 ? 'nothing' : `update set ${update}`}
      returning conversation_id)
    select conversation_id from gone union select conversation_id from written`;
}

/** Parameters: an array a column. For conversations that were not stored before. */
export function insertStatement({ name, columns }: Table): string {
  const list = Object.keys(columns)
    .map((column) => `"${column}"`)
    .join(', ');
  return `insert into twilio.${name} (${list}) select ${list} from ${answer(Object.entries(columns), 'answer', 1)}`;
}

/** Parameters: an array a column. The stamp is the lease's. Returns the ids of rows that are new (`fresh`), differ, or were deleted. */
export function conversationStatement(): string {
  const { columns, key } = conversations;
  const entries = Object.entries(columns);
  const values = Object.keys(columns).filter((column) => !key.includes(column));
  const list = entries.map(([column]) => `"${column}"`).join(', ');
  const update = values.map((column) => `"${column}" = excluded."${column}"`).join(', ');
  return `insert into twilio.conversations (${list}, first_synced_at, synced_at)
    select ${entries.map(([column]) => `answer."${column}"`).join(', ')}, ${fromMicroseconds('lease.stamp')}, ${fromMicroseconds('lease.stamp')}
    from ${answer(entries, 'answer', 1)}, twilio_sync.lease
    where not exists (
      select from twilio.conversations stored
      where stored.id = answer.id and stored.deleted_at is null and ${row(values, 'stored')} is not distinct from ${row(values, 'answer')})
    on conflict (id) do update set ${update}, synced_at = excluded.synced_at, deleted_at = null
    returning id, xmax = 0 as fresh`;
}

/** Parameters as of `childStatement`. Returns the conversations that differ from the answer, and in which columns; `row` stands for a whole row. */
export function differenceStatement({ name, columns, key, scope }: Table): string {
  const entries = Object.entries(columns);
  const values = Object.keys(columns).filter((column) => !key.includes(column));
  const scopeColumns = scope.map((column): [string, string] => [column, 'text']);
  const id = key[0];
  const checks = [
    `('row missing', stored."${id}" is null)`,
    ...values.map(
      (column) =>
        `('${column}', stored."${id}" is not null and stored."${column}" is distinct from answer."${column}")`,
    ),
  ];
  const tooMany = `select stored.conversation_id as id, 'row too many' as place from twilio.${name} stored
    join ${answer(scopeColumns, 'scope', 1 + entries.length)} on ${same(scope, 'stored', 'scope')}
    where ${row(key, 'stored')} not in (select ${key.join(', ')} from answer)`;
  return `with answer as materialized (select * from ${answer(entries, 'answer', 1)})
    select answer."${id}" as id, place from answer
    left join twilio.${name} stored on ${same(key, 'stored', 'answer')}
    cross join lateral (values ${checks.join(', ')}) as checks(place, differs)
    where differs
    ${scope.length === 0 ? '' : `union ${tooMany}`}`;
}

/** SQL for how many rows the child tables hold of each conversation in `$n`, as `id` and `children`. */
export function countsOf(n: number): string {
  const rows = children.map(
    ({ name }) => `select conversation_id from twilio.${name} where conversation_id = any($${n})`,
  );
  return `select asked.id, coalesce(children, 0)::int as children from unnest($${n}::text[]) as asked(id)
    left join (select conversation_id, count(*) as children from (${rows.join(' union all ')}) as each group by 1) as counted
      on counted.conversation_id = asked.id`;
}
