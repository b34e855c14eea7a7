// What a server, a database or a role may set for its sessions and would change what a statement means: fixed for one
// transaction, so that it also holds where a pooler gives each transaction another session. Not
// default_transaction_read_only: a server that takes no writes is waited for.

/** Statements to send with `begin`. Triggers of others keep their search path; only its first schema is always Postgres' own. */
export const fixedSettings: readonly string[] = [
  "set local DateStyle = 'ISO, MDY'",
  "set local TimeZone = 'UTC'",
  "set local IntervalStyle = 'postgres'",
  'set local extra_float_digits = 1',
  "set local bytea_output = 'hex'",
  'set local standard_conforming_strings = on',
  // Off, a null in an array would arrive as the text NULL.
  'set local array_nulls = on',
  `select pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', 'pg_catalog', nullif(pg_catalog.current_setting('search_path'), '')), true)`,
];

/**
 * Statements to send with `begin`: limits that were set for other people's queries. What a load or a migration takes is limited
 * here, by the wait for its answer. One of them is Postgres 17's; idle_session_timeout only ends connections that nobody uses.
 */
export const liftedTimeouts: readonly string[] = [
  'set local statement_timeout = 0',
  'set local lock_timeout = 0',
  `select pg_catalog.set_config('transaction_timeout', '0', true) where pg_catalog.current_setting('transaction_timeout', true) is not null`,
];
