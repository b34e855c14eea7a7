// What the catalogue says of Citus and of how the account's tables lie on its nodes, and the statements that put them there. Each
// table becomes one shard, all of one colocation group: the account lies whole on one node, and a load is a transaction there.

import type pg from 'pg';
import { makeOwnerView, nested, type OwnerView } from './owner-view.ts';

/** Sends a statement that is written for `twilio`. */
export type Ask = <Row extends pg.QueryResultRow>(text: string) => Promise<Row[]>;

export interface CitusTable {
  /** Quoted where needed, with its schema. */
  name: string;
  /** `local`: a table of the coordinator. `single`: of one shard. `other`: distributed in another way. */
  kind: 'local' | 'single' | 'other';
  /** The colocation group; null of a local table. */
  group: number | null;
  /** Triggers of users: Citus distributes no table that has one. */
  triggers: string[];
}

export interface ForeignKey {
  table: string;
  references: string;
  /** Quoted where needed. */
  name: string;
  definition: string;
}

export interface CitusFacts {
  /** Of the extension, such as `13.2-1`; null if this database does not have it. */
  version: string | null;
  /** This is the coordinator, from where everything is to be done: ids that a worker gives out are not in order. */
  isCoordinator: boolean;
  /** The tables of both schemas, in order of their names. Empty without the extension. */
  tables: CitusTable[];
  /** Of our tables, to and from any table. */
  foreignKeys: ForeignKey[];
  /** Functions of both schemas that the nodes do not have, as `schema.name(types)`. */
  functions: string[];
  /** Those that read tables, and may not do so on a node. */
  readers: string[];
  /** Views for people that read the bookkeeping by their owner's rights. */
  views: OwnerView[];
  /** Nodes that new accounts are put on. */
  nodes: number;
  /** `host:port` of the node that the account lies on; null if it lies on several, or on the coordinator's own tables. */
  node: string | null;
}

/** The first release with tables of one shard. */
const oldest = 12;

/** Reads the catalogue. Without the extension, that is one statement. */
export async function readCitus(ask: Ask): Promise<CitusFacts> {
  const [extension] = await ask<{ version: string }>(
    `select extversion as version from pg_extension where extname = 'citus'`,
  );
  if (extension === undefined)
    return {
      version: null,
      isCoordinator: true,
      tables: [],
      foreignKeys: [],
      functions: [],
      readers: [],
      views: [],
      nodes: 0,
      node: null,
    };
  const [facts] = await ask<Omit<CitusFacts, 'version'>>(catalogue);
  if (facts === undefined) throw new Error('the catalogue returned no row');
  return { version: extension.version, ...facts };
}

const catalogue = `with ours as (
    select pg_class.oid, format('%I.%I', nspname, relname) as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where relkind in ('r', 'p') and nspname in ('twilio', 'twilio_sync')),
  keys as (
    select format('%I.%I', a.nspname, t.relname) as "table", format('%I.%I', b.nspname, r.relname) as "references",
      quote_ident(conname) as name, pg_get_constraintdef(k.oid) as definition
    from pg_constraint k join pg_class t on t.oid = conrelid join pg_namespace a on a.oid = t.relnamespace
      join pg_class r on r.oid = confrelid join pg_namespace b on b.oid = r.relnamespace
    where contype = 'f' and conparentid = 0 and (conrelid in (select oid from ours) or confrelid in (select oid from ours))),
  tables as (
    select ours.oid, name, colocationid,
      case when logicalrelid is null then 'local' when partmethod = 'n' and repmodel = 's' and colocationid > 0 then 'single' else 'other' end as kind,
      array(select tgname::text from pg_trigger where tgrelid = ours.oid and not tgisinternal
        and tgname not like 'truncate_trigger_%' order by 1) as triggers
    from ours left join pg_dist_partition on logicalrelid = ours.oid),
  functions as (
    select p.oid, provolatile, proconfig, format('%I.%I(%s)', nspname, proname, pg_get_function_identity_arguments(p.oid)) as name
    from pg_proc p join pg_namespace on pg_namespace.oid = pronamespace where nspname in ('twilio', 'twilio_sync'))
  select citus_is_coordinator() as "isCoordinator",
    (select coalesce(json_agg(json_build_object('name', name, 'kind', kind, 'group', colocationid, 'triggers', triggers) order by name), '[]')
      from tables) as tables,
    (select coalesce(json_agg(keys order by keys), '[]') from keys) as "foreignKeys",
    array(select name from functions where oid not in (
        select objid from pg_catalog.pg_dist_object where classid = 'pg_proc'::regclass) order by 1) as functions,
    array(select name from functions where provolatile = 's' and not '${nested.replaceAll(' ', '')}' = any(coalesce(proconfig, '{}')) order by 1) as readers,
    (select coalesce(json_agg(json_build_object('schema', nspname, 'name', relname, 'query', pg_get_viewdef(v.oid), 'owner', pg_get_userbyid(relowner),
        'columns', (select json_agg(json_build_object('name', attname, 'type', format_type(atttypid, atttypmod)) order by attnum)
          from pg_attribute where attrelid = v.oid and attnum > 0)) order by relname), '[]')
      from pg_class v join pg_namespace n on n.oid = relnamespace
      where nspname = 'twilio' and relkind = 'v' and exists (select from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
        join pg_class t on t.oid = d.refobjid join pg_namespace b on b.oid = t.relnamespace where r.ev_class = v.oid and b.nspname = 'twilio_sync')) as views,
    (select count(*)::int from pg_dist_node where isactive and shouldhaveshards and noderole = 'primary') as nodes,
    (select min(nodename || ':' || nodeport) from pg_dist_shard join pg_dist_placement using (shardid)
      join pg_dist_node using (groupid) where noderole = 'primary' and logicalrelid in (select oid from ours)
      having count(distinct groupid) = 1) as node`;

/** What stands in the way, each with what to do; empty if nothing does. */
export function findRefusals({ version, isCoordinator, tables, foreignKeys }: CitusFacts): string[] {
  if (version === null) {
    return [
      'this database has no Citus: install it on all nodes, add citus to shared_preload_libraries, and run "create extension citus" in this database on each of them; then add the workers with citus_set_coordinator_host and citus_add_node',
    ];
  }
  if (Number.parseInt(version, 10) < oldest) {
    return [`Citus ${version} has no tables of one shard: update it to ${oldest} or later`];
  }
  if (!isCoordinator) return ['this is a worker of the cluster: connect to the coordinator'];
  const names = new Set(tables.map(({ name }) => name));
  const groups = groupsOf(tables);
  return [
    ...tables
      .filter(({ kind }) => kind === 'other')
      .map(({ name }) => `${name} is distributed in another way: run select undistribute_table('${name}')`),
    ...(groups.length > 1
      ? [`the tables lie in ${groups.length} colocation groups: run undistribute_table for those of all but one`]
      : []),
    ...tables
      .filter(({ kind, triggers }) => kind === 'local' && triggers.length > 0)
      .map(({ name, triggers }) => `Citus distributes no table with triggers: drop ${triggers.join(', ')} on ${name}`),
    ...foreignKeys
      .filter((key) => !names.has(key.table) || !names.has(key.references))
      .map((key) => `the foreign key ${key.name} leads from ${key.table} to ${key.references}: drop it`),
  ];
}

/** The colocation groups of the tables that are distributed. */
export function groupsOf(tables: CitusTable[]): number[] {
  return [...new Set(tables.flatMap(({ kind, group }) => (kind === 'single' && group !== null ? [group] : [])))];
}

/** Whether the tables are distributed, or some of them. */
export const isDistributed = ({ tables }: CitusFacts): boolean => tables.some(({ kind }) => kind === 'single');

/**
 * The statements that distribute the tables which are local, for one transaction; none if nothing is left to do. Names are final. A
 * foreign key cannot lead from a local table to a distributed one, nor back: those of tables that move are dropped, and made again.
 */
export function planDistribution({ tables, foreignKeys, functions, readers, views }: CitusFacts): string[] {
  const local = tables.filter(({ kind }) => kind === 'local').map(({ name }) => name);
  const moved = new Set(local);
  const keys = foreignKeys.filter(({ table, references }) => moved.has(table) || moved.has(references));
  const literal = (name: string) => `'${name.replaceAll("'", "''")}'`;
  // The first one makes the group, which Citus puts on the nodes in turns.
  let first = tables.find(({ kind }) => kind === 'single')?.name;
  const distributed = local.flatMap((name) => {
    const beside = first ?? 'none';
    first ??= name;
    return [
      `select create_distributed_table(${literal(name)}, null, colocate_with => ${literal(beside)})`,
      // Citus copies the rows and hides the old ones. What is erased later must not stay there.
      `select truncate_local_data_after_distributing_table(${literal(name)})`,
    ];
  });
  return [
    ...keys.map(({ table, name }) => `alter table ${table} drop constraint ${name}`),
    ...distributed,
    ...keys.map(({ table, name, definition }) => `alter table ${table} add constraint ${name} ${definition}`),
    // Those of a database that is older than the extension.
    ...(local.length === 0
      ? []
      : functions.map((signature) => `select create_distributed_function(${literal(signature)})`)),
    ...readers.map((signature) => `alter function ${signature} set ${nested}`),
    ...views.flatMap(makeOwnerView),
  ];
}
