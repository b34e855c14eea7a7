// What makes a role a reader of schema twilio, as SQL. Pure: what is known of the role and the database in, statements out,
// which give the same rights however often they are run, and whatever in our schemas the role was given before.

import pg from 'pg';
import { bookkeepingOf } from '../postgres/schemas.ts';

export interface ReaderPlan {
  role: string;
  /** The schema that it is to read. */
  schema: string;
  exists: boolean;
  /** What is to be kept of a new password; null leaves the one it has. */
  verifier: string | null;
  database: string;
  /** Those who own what is in schema twilio: what they make there later is to be read as well. */
  owners: string[];
  /** PUBLIC may not connect to this database, as it may by default. */
  connectClosed: boolean;
  /** What is set for the role in this database already, by name; that stays. */
  settings: string[];
  /** Schemas that it may make tables in. */
  makesIn: string[];
}

const kinds = ['tables', 'sequences', 'functions'];

/** The statements, in their order; for one transaction. */
export function readerStatements(plan: ReaderPlan): string[] {
  const role = pg.escapeIdentifier(plan.role);
  const schema = pg.escapeIdentifier(plan.schema);
  const ours = `${schema}, ${pg.escapeIdentifier(bookkeepingOf(plan.schema))}`;
  const database = pg.escapeIdentifier(plan.database);
  const password = plan.verifier === null ? '' : ` password ${pg.escapeLiteral(plan.verifier)}`;
  const here = `alter role ${role} in database ${database} set`;
  // REFERENCES is what information_schema shows keys by, and some tools find their joins there. A role that can make a
  // table of its own could use it, with a foreign key that keeps conversations from being deleted.
  const rights = plan.makesIn.length === 0 ? 'select, references' : 'select';
  return [
    `${plan.exists ? 'alter' : 'create'} role ${role} login${password}`,
    // In this database alone: a role that exists may be another's elsewhere on the server.
    `${here} default_transaction_read_only = on`,
    // A query that nobody waits for, or a client that sits on a transaction, would hold up migrations and vacuum. What
    // somebody set for a role of their own stays.
    ...(plan.exists
      ? []
      : [`${here} statement_timeout = '5min'`, `${here} idle_in_transaction_session_timeout = '5min'`]),
    // Days are UTC in the views, whatever zone the server or the tool's machine is in; and names need no schema.
    ...Object.entries({ timezone: `'UTC'`, search_path: `${schema}, public` }).flatMap(([name, value]) =>
      plan.settings.includes(name) ? [] : [`${here} ${name} = ${value}`],
    ),
    ...(plan.connectClosed ? [`grant connect on database ${database} to ${role}`] : []),
    `revoke all on schema ${ours} from ${role}`,
    ...kinds.map((kind) => `revoke all on all ${kind} in schema ${ours} from ${role}`),
    `grant usage on schema ${schema} to ${role}`,
    `grant ${rights} on all tables in schema ${schema} to ${role}`,
    `grant execute on all functions in schema ${schema} to ${role}`,
    ...plan.owners.flatMap((owner) => {
      const later = `alter default privileges for role ${pg.escapeIdentifier(owner)} in schema`;
      return [
        ...kinds.map((kind) => `${later} ${ours} revoke all on ${kind} from ${role}`),
        `${later} ${schema} grant ${rights} on tables to ${role}`,
        `${later} ${schema} grant execute on functions to ${role}`,
      ];
    }),
  ];
}

/** The same as a script for an administrator. */
export function readerScript(plan: ReaderPlan): string {
  const whose = `-- For database ${JSON.stringify(plan.database)}, as a superuser, or as the owner of schema ${plan.schema} with CREATEROLE.`;
  return [whose, 'begin', ...readerStatements(plan), 'commit'].join(';\n').replace(';\n', '\n').concat(';');
}
