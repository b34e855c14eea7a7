// A column of instants as programs read them: SQL in, SQL out.

/** ISO 8601 in UTC, to the second; null where it is null or infinite. */
export const iso = (column: string) =>
  `case when isfinite(${column}) then to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') end`;
