// Everything that a database holds, as text, to be searched for what must not be there.

import type pg from 'pg';

/** Every row of every table of both schemas. */
export async function dumpOf(client: pg.Pool | pg.Client): Promise<string> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('twilio', 'twilio_sync') order by 1`,
  );
  const parts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(`select to_jsonb(each)::text as row from ${name} as each`);
    parts.push(...rows.map(({ row }) => `${name} ${row}`));
  }
  return parts.join('\n');
}

/** Which of these a text contains. */
export function foundIn(text: string, traces: Iterable<string>): string[] {
  return [...traces].filter((trace) => text.includes(trace));
}
