// A view whose rows a function reads with the rights of its owner. An ordinary view has these rights as well, but Citus replaces the
// view by its text and sends that to the nodes as whoever asks, who may not read the tables there.

import pg from 'pg';

export interface OwnerView {
  schema: string;
  name: string;
  /** Types as Postgres writes them. */
  columns: { name: string; type: string }[];
  /** What the view selects. */
  query: string;
  /** Who may read what it selects from; quoted by nobody yet. */
  owner: string;
}

/** A setting of functions that read tables: Citus may execute them on a node, within a query on the node's own tables, which lie there too. */
export const nested = 'citus.allow_nested_distributed_execution = on';

/** The function of a view. */
export const functionOf = (view: string): string => `${view}_rows`;

/** Statements that make the function anew, and the view or what it was made of before. Names are final. */
export function makeOwnerView({ schema, name, columns, query, owner }: OwnerView): string[] {
  const within = (relation: string) => `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(relation)}`;
  const [view, rows] = [within(name), `${within(functionOf(name))}()`];
  const table = columns.map((column) => `${pg.escapeIdentifier(column.name)} ${column.type}`).join(', ');
  return [
    `create or replace function ${rows} returns table (${table}) language sql stable security definer set search_path = pg_catalog, pg_temp set ${nested} as ${pg.escapeLiteral(query)}`,
    `alter function ${rows} owner to ${pg.escapeIdentifier(owner)}`,
    `comment on function ${rows} is ${pg.escapeLiteral(`The rows of the view ${name}, read with the rights of its owner`)}`,
    `create or replace view ${view} as select * from ${rows}`,
  ];
}
