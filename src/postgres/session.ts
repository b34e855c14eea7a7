// Fixes the settings of a server, database or role that would change what a statement means. They are set for one transaction, so
// that it works if a pooler gives each transaction another session. default_transaction_read_only is left alone: the program
// waits for a server that takes no writes.

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
 * Statements to send with `begin`, which lift limits that were set for other people's queries. Loads and migrations have limits of
 * their own. One of these is new in Postgres 17. idle_session_timeout only ends unused connections, so it stays.
 */
export const liftedTimeouts: readonly string[] = [
  'set local statement_timeout = 0',
  'set local lock_timeout = 0',
  `select pg_catalog.set_config('transaction_timeout', '0', true) where pg_catalog.current_setting('transaction_timeout', true) is not null`,
];
