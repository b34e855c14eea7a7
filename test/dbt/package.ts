// What the tests of the dbt package share: its files, what they say of columns, and a source in which everything changes
// that an incremental model could miss.

import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type pg from 'pg';
import type { World } from '../world.ts';

export const folder = new URL('../../dbt/', import.meta.url);

export const file = (path: string): string => readFileSync(new URL(path, folder), 'utf8');

const namesIn = (layer: string) =>
  globSync(`models/${layer}/*.sql`, { cwd: folder })
    .map((path) => basename(path, '.sql'))
    .sort();

export const staging: string[] = namesIn('staging');
export const marts: string[] = namesIn('marts');
/** The incremental ones, each with the staging model that it copies. */
export const facts: Record<string, string> = {
  fct_conversations: 'stg_twilio__conversations',
  fct_participants: 'stg_twilio__participants',
  fct_operator_results: 'stg_twilio__operator_results',
};

export interface Property {
  model: string;
  columns: { column: string; description: string; tests: string[]; relation?: { to: string; field: string } }[];
}

/** What the YAML files say of the models. Only the form that they are written in is understood. */
export function properties(): Property[] {
  const texts = ['models/staging/staging.yml', 'models/marts/facts.yml', 'models/marts/marts.yml'].map(file);
  const models = texts.flatMap((text) => text.split(/^ {2}- name: /m).slice(1));
  return models.map((block) => {
    const [head = '', ...columns] = block.split(/^ {6}- name: /m);
    return {
      model: /^\w+/.exec(head)?.[0] ?? '',
      columns: columns.map((part) => {
        const [, tests = ''] = /data_tests: \[(.*)\]/.exec(part) ?? [];
        const [, to, field] = /to: ref\('(\w+)'\), field: (\w+)/.exec(tests) ?? [];
        return {
          column: /^\w+/.exec(part)?.[0] ?? '',
          description: JSON.parse(/description: (".*")$/m.exec(part)?.[1] ?? '""'),
          tests: tests.match(/\b(unique|not_null)\b/g) ?? [],
          ...(to !== undefined && field !== undefined && { relation: { to, field } }),
        };
      }),
    };
  });
}

/** The rows of a table or view, in an order that depends on them alone. */
export async function contents(pool: pg.Pool, table: string): Promise<Record<string, unknown>[]> {
  const { rows } = await pool.query(`select to_jsonb(t) as row from ${table} t order by to_jsonb(t)::text collate "C"`);
  return rows.map(({ row }) => row);
}

export interface Changes {
  /** Of the conversations that changed or are new, erased ones aside. */
  changed: number;
  created: string;
  deleted: string;
  erased: string;
  /** Had one result and has none now. */
  emptied: { conversationId: string; id: string };
  /** Has one participant less. */
  poorer: { conversationId: string; participantId: string };
}

/** Changes conversations in each way: late, silently, deleted, erased, of the children only; and stores what changed. */
export async function changeAll(world: World): Promise<Changes> {
  const { source } = world;
  const [emptied] = [...Map.groupBy(source.results(), ({ conversationId }) => conversationId)]
    .filter(([id, all]) => all.length === 1 && source.get(id).operatorResultIds?.length === 1)
    .flatMap(([, [only]]) => (only === undefined ? [] : [only]));
  if (emptied === undefined) throw new Error('no conversation has one result');
  const [deleted = '', erased = '', late = '', silent = '', redacted = '', reopened = '', poorer = ''] = source
    .all()
    .slice(40)
    .filter(({ id }) => id !== emptied.conversationId)
    .filter(({ participants, communications }) => (participants?.length ?? 0) > 1 && (communications?.length ?? 0) > 3)
    .map(({ id }) => id);
  const participantId = source.get(poorer).participants?.[0]?.id ?? '';
  source.remove(deleted);
  source.remove(erased);
  source.say(late, 'One more thing');
  source.addResult(silent, { silent: true });
  source.redact(redacted);
  source.reopen(reopened);
  source.removeParticipant(poorer, participantId);
  source.removeResult(emptied.id);
  const { id: created } = source.create();
  world.nowMs += 60_000;
  await world.sync({ reconcile: true });
  await world.pool.query('delete from twilio.conversations where id = $1', [erased]);
  return { changed: 8, created, deleted, erased, emptied, poorer: { conversationId: poorer, participantId } };
}
