// The property files of the dbt package that repeat the database's comments, written from its catalogue: `npm run docs`.
// Sources, staging models, facts and dimensions have the columns of tables and views, and so their descriptions. A test
// fails when a file differs.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openEmbedded } from '../src/embedded/embedded.ts';
import { migrate } from '../src/postgres/migrate.ts';

/** A table or view of schema twilio. */
interface Relation {
  name: string;
  description: string;
  columns: { name: string; description: string }[];
  /** The primary key; empty for a view. */
  key: string[];
}

/** A staging model, and the fact or dimension with the same columns. */
interface Model {
  staging: string;
  /** The table or view that it reads. */
  of: string;
  description: string;
  key: string[];
  mart?: { name: string; description: string };
  /** Names of columns in the model, by their names in the relation. */
  renamed?: Record<string, string>;
  /** Columns of the relation that the model leaves out. */
  without?: string[];
  /** Columns from elsewhere: `relation.column`. */
  joined?: Record<string, string>;
}

const models: Model[] = [
  {
    staging: 'stg_twilio__conversations',
    of: 'conversation_overview',
    description: 'One row a conversation, deleted ones too, with what is computed of it.',
    key: ['conversation_id'],
    mart: {
      name: 'fct_conversations',
      description: 'One row a conversation, with what is computed of it. Deleted ones too: filter on deleted_at.',
    },
  },
  {
    staging: 'stg_twilio__participants',
    of: 'participant_metrics',
    description: 'One row a participant of a conversation, deleted ones too, with what is computed of the participant.',
    key: ['conversation_id', 'participant_id'],
    mart: {
      name: 'fct_participants',
      description:
        'One row a participant of a conversation, with what is computed of the participant. Deleted conversations too: filter on deleted_at.',
    },
  },
  {
    staging: 'stg_twilio__operator_results',
    of: 'results',
    description: 'One row an operator result, with what is often asked of its conversation.',
    key: ['conversation_id', 'operator_result_id'],
    mart: {
      name: 'fct_operator_results',
      description: 'One row an operator result. Those of deleted conversations too: filter on deleted_at.',
    },
    renamed: { id: 'operator_result_id' },
    without: ['operator_name', 'intelligence_configuration_name'],
    joined: {
      conversation_created_at: 'conversations.created_at',
      day: 'conversation_overview.day',
      channel: 'conversation_overview.channel',
      deleted_at: 'conversations.deleted_at',
      synced_at: 'conversations.synced_at',
    },
  },
  {
    staging: 'stg_twilio__communications',
    of: 'communications',
    description: 'One row an utterance or message. There is no copy of it: build on it what your questions need.',
    key: ['conversation_id', 'communication_id'],
    renamed: { id: 'communication_id' },
  },
  {
    staging: 'stg_twilio__operators',
    of: 'operators',
    description: 'One row an operator.',
    key: ['operator_id'],
    mart: { name: 'dim_operators', description: 'One row an operator. One that is gone from the API keeps its row.' },
    renamed: { id: 'operator_id' },
  },
  {
    staging: 'stg_twilio__agents',
    of: 'agents',
    description: 'One row an agent, known by the address.',
    key: ['address'],
    mart: { name: 'dim_agents', description: 'One row an agent, known by the address.' },
  },
  {
    staging: 'stg_twilio__customers',
    of: 'customers',
    description: 'One row a customer, known by the address.',
    key: ['address'],
    mart: { name: 'dim_customers', description: 'One row a customer, known by the address.' },
  },
  {
    staging: 'stg_twilio__days',
    of: 'days',
    description: 'One row a day (UTC) since SYNC_START.',
    key: ['day'],
    mart: { name: 'dim_days', description: 'One row a day (UTC) since SYNC_START.' },
  },
];

/** What one row of a view is; a test of the package checks it. Views that are slow to read as a whole are left out. */
const keysOfViews: Record<string, string> = {
  agents: 'address',
  conversation_overview: 'conversation_id',
  coverage: 'day',
  customers: 'address',
  daily_totals: 'day',
  days: 'day',
};

const freshness = `        config:
          loaded_at_field: listed_completely_at
          freshness:
            warn_after: {count: 15, period: minute}
            error_after: {count: 1, period: hour}
`;

const written = '# Written by `npm run docs` from the comments in the database. Do not edit.\n';

/** Tables and views of schema twilio, but for the views of operators, which are each database's own. */
export async function readRelations(client: pg.Pool | pg.Client): Promise<Relation[]> {
  const { rows } = await client.query<Relation>(
    `select relname as name, obj_description(c.oid, 'pg_class') as description,
       (select jsonb_agg(jsonb_build_object('name', attname, 'description', col_description(c.oid, attnum)) order by attnum)
        from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns,
       array(select attname::text from pg_index join pg_attribute on attrelid = indrelid and attnum = any (indkey)
        where indrelid = c.oid and indisprimary) as key
     from pg_class c where relnamespace = 'twilio'::regnamespace and relkind in ('r', 'v') and relname !~ '^result_'
     order by relkind, relname`,
  );
  return rows;
}

/** The generated files, by their paths in the package. */
export function propertyFiles(relations: Relation[]): Record<string, string> {
  return {
    'models/staging/sources.yml': sourcesFile(relations),
    'models/staging/staging.yml': stagingFile(relations),
    'models/marts/facts.yml': factsFile(relations),
  };
}

function sourcesFile(relations: Relation[]): string {
  const tables = relations.map(({ name, description, columns, key }) => {
    const [only, second] = key.length > 0 ? key : [keysOfViews[name]];
    const tests = (column: string) => (second === undefined && column === only ? ['unique', 'not_null'] : []);
    return `      - name: ${name}
        description: ${quote(description)}
${name === 'coverage' ? freshness : ''}        columns:
${columns.map((column) => columnOf('          ', column, tests(column.name))).join('')}`;
  });
  return `${written}version: 2
sources:
  - name: twilio
    description: "What conversation-sync keeps. Read only."
    schema: "{{ var('twilio_schema', 'twilio') }}"
    tables:
${tables.join('')}`;
}

function stagingFile(relations: Relation[]): string {
  const entries = models.map((model) =>
    modelOf(model.staging, model.description, columnsOf(model, relations), () => []),
  );
  return `${written}version: 2\nmodels:\n${entries.join('')}`;
}

function factsFile(relations: Relation[]): string {
  const entries = models.flatMap((model) => {
    if (model.mart === undefined) return [];
    const { name, description } = model.mart;
    const [first, second] = model.key;
    const toConversation = "{relationships: {arguments: {to: ref('fct_conversations'), field: conversation_id}}}";
    const tests = (column: string) => {
      if (column === 'synced_at' && first === 'conversation_id') return ['not_null'];
      if (!model.key.includes(column)) return [];
      if (second === undefined) return ['unique', 'not_null'];
      return column === 'conversation_id' ? ['not_null', toConversation] : ['not_null'];
    };
    return [modelOf(name, description, columnsOf(model, relations), tests)];
  });
  return `${written}version: 2\nmodels:\n${entries.join('')}`;
}

function columnsOf({ of, renamed = {}, without = [], joined = {} }: Model, relations: Relation[]) {
  const describe = (path: string) => {
    const [relation, column] = path.split('.');
    const found = relations.find(({ name }) => name === relation)?.columns.find(({ name }) => name === column);
    if (found === undefined) throw new Error(`the database has no ${path}`);
    return found.description;
  };
  const own = relations.find(({ name }) => name === of)?.columns ?? [];
  return [
    ...own
      .filter(({ name }) => !without.includes(name))
      .map(({ name, description }) => ({ name: renamed[name] ?? name, description })),
    ...Object.entries(joined).map(([name, path]) => ({ name, description: describe(path) })),
  ];
}

type Column = Relation['columns'][number];

function modelOf(name: string, description: string, columns: Column[], tests: (column: string) => string[]): string {
  return `  - name: ${name}
    description: ${quote(description)}
    columns:
${columns.map((column) => columnOf('      ', column, tests(column.name))).join('')}`;
}

function columnOf(indent: string, { name, description }: Column, tests: string[]): string {
  const lines = [`- name: ${name}`, `  description: ${quote(description)}`];
  if (tests.length > 0) lines.push(`  data_tests: [${tests.join(', ')}]`);
  return lines.map((line) => `${indent}${line}\n`).join('');
}

const quote = (text: string) => JSON.stringify(text);

if (import.meta.main) {
  const folder = await mkdtemp(join(tmpdir(), 'conversation-sync-docs-'));
  const embedded = await openEmbedded({ folder, durable: false });
  try {
    await migrate({ connectionString: embedded.url });
    const client = new pg.Client({ connectionString: embedded.url });
    await client.connect();
    for (const [path, text] of Object.entries(propertyFiles(await readRelations(client)))) {
      await writeFile(new URL(`../dbt/${path}`, import.meta.url), text);
    }
    await client.end();
  } finally {
    await embedded.close();
    await rm(folder, { recursive: true, force: true });
  }
}
