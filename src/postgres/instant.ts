// Instants between columns and programs: SQL in, SQL out. None of it depends on a session's DateStyle or TimeZone, or on how
// many digits it shows of a float.

/** ISO 8601 in UTC, to the second; null where it is null or infinite. */
export const iso = (column: string) =>
  `case when isfinite(${column}) then to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') end`;

/** Seconds since the epoch, to the microsecond; `openDatabase` hands them out as numbers. */
export const seconds = (column: string) => `extract(epoch from ${column})`;

/** Seconds from one instant to another; 0 where the clock was set back between them, null where one is null. */
export const span = (from: string, to = 'clock_timestamp()') =>
  `case when ${to} < ${from} then 0 else ${seconds(`${to} - ${from}`)} end`;

/** Whole microseconds since the epoch as an instant. A float holds seconds to a quarter of a microsecond until 2106: the nearest is the same. */
export const fromMicroseconds = (value: string) => `to_timestamp(${value}::bigint / 1000000.0)`;

/** The database's clock, whole microseconds since the epoch. */
export const nowInMicroseconds = '(extract(epoch from clock_timestamp()) * 1000000)::bigint';
