// Keeps the views of operators up to date: `result_<operator>` and its history for each row of twilio.operators. The names and columns
// that were given once are in twilio_sync.operator_views. Each operator has a transaction of its own, and fails alone.

import pg from 'pg';
import type { Queries } from './database.ts';
import { translate } from './errors.ts';
import { migrationLock } from './migrate.ts';
import {
  historyOf,
  type OperatorFacts,
  planViews,
  type Surroundings,
  type ViewPlan,
  viewLockMs,
} from './operator-view-sql.ts';
import { verbatim } from './schemas.ts';

export interface ViewFailure {
  error: string;
  /** Other work keeps views from being made, for a moment. */
  isBusy: boolean;
}

/** What became of an operator's views. Those that failed are tried again the next time. */
export type ViewOutcome =
  | ({ operatorId: string } & Pick<ViewPlan, 'operator' | 'view' | 'change'>)
  | ({ operatorId: string } & ViewFailure);

type Work = <Result>(work: (queries: Queries) => Promise<Result>) => Promise<Result>;

/** Only this operator's views cannot be made, or not now. */
class ViewFailed extends Error {
  override readonly name = 'ViewFailed';
  readonly isBusy: boolean;

  constructor(message: string, isBusy = false) {
    super(message);
    this.isBusy = isBusy;
  }
}

/**
 * Makes and updates the views of operators that are new or have changed. `asOwner`: does nothing if this user does not own the schema.
 * If nothing has changed, this is one statement. @throws DatabaseTrouble, and what `write` throws.
 */
export async function updateOperatorViews(read: Work, write: Work, asOwner: boolean): Promise<ViewOutcome[]> {
  const outcomes: ViewOutcome[] = [];
  for (const operatorId of await read((queries) => readChanged(queries, asOwner))) {
    try {
      const made = await write((queries) => make(queries, operatorId));
      if (made !== undefined) outcomes.push(made);
    } catch (error) {
      if (!(error instanceof ViewFailed)) throw error;
      outcomes.push({ operatorId, error: error.message, isBusy: error.isBusy });
    }
  }
  return outcomes;
}

/** The SQL that `updateOperatorViews` would run, and what it would not touch. */
export async function printOperatorViews(queries: Queries): Promise<{ script: string; problems: string[] }> {
  const plans: ViewPlan[] = [];
  const problems: string[] = [];
  const { operators, around } = await readFacts(queries, await readChanged(queries, false), true);
  const taken = new Set(around.taken);
  for (const operator of operators) {
    const plan = planViews(operator, { ...around, taken });
    if (typeof plan === 'string') problems.push(plan);
    else {
      plans.push(plan);
      taken.add(plan.view).add(historyOf(plan.view));
    }
  }
  const statements = [
    'begin',
    `set local lock_timeout = ${viewLockMs}`,
    ...plans.map(({ script }) => script),
    'commit',
  ];
  return { script: plans.length === 0 ? '' : `${statements.join(';\n\n')};`, problems };
}

/** Whether this user may create views in the schema. */
export async function mayCreateViews(queries: Queries): Promise<boolean> {
  const [found] = await queries.sql<{ may: boolean }>(`select has_schema_privilege('twilio', 'create') as may`);
  return found?.may === true;
}

/** Operators without views, with views from before their last change, and with views that somebody has dropped. */
async function readChanged(queries: Queries, asOwner: boolean): Promise<string[]> {
  const rows = await queries.sql<{ id: string }>(
    `with ours as materialized (
       select not $1 or pg_has_role(nspowner, 'usage') as may, array(select relname::text from pg_class where relnamespace = 'twilio'::regnamespace) as there
       from pg_namespace where oid = 'twilio'::regnamespace)
     select o.id from ours cross join twilio.operators o left join twilio_sync.operator_views v on v.operator_id = o.id
     where may and (v.operator_synced_at is distinct from o.synced_at or not array[v.name, v.name || '_history'] <@ there)
     order by o.name, o.id`,
    [asOwner],
  );
  return rows.map(({ id }) => id);
}

async function make(queries: Queries, operatorId: string): Promise<ViewOutcome | undefined> {
  await queries.sql(`set local lock_timeout = ${viewLockMs}`);
  // Excludes migrations and grants. It is tried, not waited for: a migration that has it may be waiting for the lease's row.
  const [lock] = await queries.sql<{ taken: boolean }>('select pg_try_advisory_xact_lock($1) as taken', [
    migrationLock,
  ]);
  if (lock?.taken !== true) throw new ViewFailed('a migration or a grant is running', true);
  const { operators, around } = await readFacts(queries, [operatorId], false);
  const [operator] = operators;
  if (operator === undefined) return undefined;
  const plan = planViews(operator, around);
  if (typeof plan === 'string') throw new ViewFailed(plan);
  await queries.sql(verbatim(plan.script)).catch((error: unknown) => {
    throw isOfView(error) ? new ViewFailed(reasonOf(error)) : error;
  });
  return { operatorId, operator: plan.operator, view: plan.view, change: plan.change };
}

/** `printed`: somebody else will run the SQL. New views belong to the owner of the other ones, if whoever makes them may give them away. */
async function readFacts(
  queries: Queries,
  operatorIds: string[],
  printed: boolean,
): Promise<{ operators: OperatorFacts[]; around: Surroundings }> {
  // Tables and catalogue are asked apart: Citus cannot join them.
  const operators = await queries.sql<Omit<OperatorFacts, 'latest' | 'history'> & { [column: string]: unknown }>(
    `select o.id, o.name, o.description, o.output_format as "outputFormat", o.extra -> 'outputSchema' as "outputSchema",
       to_char(o.synced_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US"Z"') as "syncedAt",
       v.name as view, coalesce(v.columns, '[]') as columns
     from twilio.operators o left join twilio_sync.operator_views v on v.operator_id = o.id
     where o.id = any($1) order by o.name, o.id`,
    [operatorIds],
  );
  const given = await queries.sql<{ name: string }>('select name from twilio_sync.operator_views');
  const [around] = await queries.sql<{
    schema: string;
    taken: string[];
    made: Record<string, string[]>;
    owner: string | null;
    readers: string[];
  }>(
    `with results as (
       select relnamespace, coalesce(relacl, acldefault('r', relowner)) as acl, pg_get_userbyid(relowner) as owner, $1 or pg_has_role(relowner, 'member') as given
       from pg_class where oid = 'twilio.results'::regclass)
     select nspname::text as schema,
       array(select relname::text from pg_class where relnamespace = pg_namespace.oid
         union select typname::text from pg_type where typnamespace = pg_namespace.oid) as taken,
       (select coalesce(json_object_agg(relname, array(
           select attname::text from pg_attribute where attrelid = pg_class.oid and attnum > 0 order by attnum)), '{}')
         from pg_class where relnamespace = pg_namespace.oid and relname = any($2)) as made,
       case when given and ($1 or owner <> current_user) then quote_ident(owner) end as owner,
       array(select distinct case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end from aclexplode(acl)
         where privilege_type = 'SELECT' and pg_get_userbyid(grantee) <> case when given then owner else current_user end) as readers
     from results join pg_namespace on pg_namespace.oid = relnamespace`,
    [printed, operators.flatMap(({ view }) => (view === null ? [] : [view, historyOf(view)]))],
  );
  if (around === undefined) throw new Error('the catalogue returned no row');
  const { made, taken, ...rest } = around;
  const columnsOf = (view: string | null) => (view === null ? null : (made[view] ?? null));
  return {
    operators: operators.map((operator) => ({
      ...operator,
      latest: columnsOf(operator.view),
      history: columnsOf(operator.view && historyOf(operator.view)),
    })),
    around: { ...rest, taken: new Set([...taken, ...given.flatMap(({ name }) => [name, historyOf(name)])]) },
  };
}

/** Errors that are not everybody's, as the loss of the connection or a deadlock would be. */
export function isOfView(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError && !/^(08|25|28|3D|40|53|57)/.test(error.code ?? '');
}

export function reasonOf(error: pg.DatabaseError): string {
  const translated = error.code === '55P03' ? 'a query that reads the view is running' : translate(error);
  return translated instanceof Error ? translated.message : String(translated);
}
