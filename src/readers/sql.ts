// The SQL that makes a role a reader of schema twilio. Pure: facts about the role and the database in, statements out.
// They are idempotent, and replace all rights that the role had in our schemas.

import pg from 'pg';
import { anonymousOf, bookkeepingOf } from '../postgres/schemas.ts';

export interface ReaderPlan {
  role: string;
  /** The schema that it is to read. */
  schema: string;
  /** It reads the views without personal data, and nothing of the schema itself: the statements that make them. Null: the schema. */
  anonymous: string[] | null;
  exists: boolean;
  /** The verifier of a new password; null leaves the password unchanged. */
  verifier: string | null;
  database: string;
  /** The owners of what is in schema twilio: the reader may also read what they create later. */
  owners: string[];
  /** PUBLIC may not connect to this database; by default it may. */
  connectClosed: boolean;
  /** Names of the settings that the role has in this database; they are kept. */
  settings: string[];
  /** Schemas in which it may create tables. */
  makesIn: string[];
}

const kinds = ['tables', 'sequences', 'functions'];

/** The statements, in order, for one transaction. */
export function readerStatements(plan: ReaderPlan): string[] {
  const role = pg.escapeIdentifier(plan.role);
  const readable = plan.anonymous === null ? plan.schema : anonymousOf(plan.schema);
  const schema = pg.escapeIdentifier(readable);
  const ours = [...new Set([readable, plan.schema, bookkeepingOf(plan.schema)])].map(pg.escapeIdentifier).join(', ');
  const database = pg.escapeIdentifier(plan.database);
  const password = plan.verifier === null ? '' : ` password ${pg.escapeLiteral(plan.verifier)}`;
  const here = `alter role ${role} in database ${database} set`;
  // information_schema shows keys only to roles with REFERENCES, and some tools find their joins there. But a role that can
  // create tables could use it for a foreign key, which would prevent the deletion of conversations.
  const rights = plan.makesIn.length === 0 ? 'select, references' : 'select';
  return [
    `${plan.exists ? 'alter' : 'create'} role ${role} login${password}`,
    // In this database only: an existing role may have other uses elsewhere on the server.
    `${here} default_transaction_read_only = on`,
    // An abandoned query or an idle transaction would block migrations and vacuum. Settings of an existing role are kept.
    ...(plan.exists
      ? []
      : [`${here} statement_timeout = '5min'`, `${here} idle_in_transaction_session_timeout = '5min'`]),
    // The views use UTC days, whatever the time zone of the server or the tool. Table names need no schema.
    ...Object.entries({ timezone: `'UTC'`, search_path: `${schema}, public` }).flatMap(([name, value]) =>
      plan.settings.includes(name) && !(name === 'search_path' && plan.anonymous !== null)
        ? []
        : [`${here} ${name} = ${value}`],
    ),
    ...(plan.connectClosed ? [`grant connect on database ${database} to ${role}`] : []),
    ...(plan.anonymous ?? []),
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

/** The statements as a script for an administrator. */
export function readerScript(plan: ReaderPlan): string {
  const whose = `-- For database ${JSON.stringify(plan.database)}, as a superuser, or as the owner of schema ${plan.schema} with CREATEROLE.`;
  return [whose, 'begin', ...readerStatements(plan), 'commit'].join(';\n').replace(';\n', '\n').concat(';');
}
