// Everything that a database holds, as text, to be searched for what must not be there; and what that is.

import type pg from 'pg';
import type { Source } from '../src/simulator/source.ts';
import type { WireConversationDetail } from '../src/twilio/wire.ts';

/** Every row of every table of both schemas. */
export async function dumpOf(client: pg.Pool | pg.Client): Promise<string> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('twilio', 'twilio_sync') order by 1`,
  );
  const parts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(`select to_jsonb(each)::text as row from ${name} as each`);
    for (const { row } of rows) parts.push(`${name} ${row}`);
  }
  return parts.join('\n');
}

/** Which of these a text contains, once each. They are looked up by how they end, so that thousands of them in 100 MB take seconds. */
export function foundIn(text: string, traces: Iterable<string>): string[] {
  const all = [...new Set(traces)];
  const length = Math.min(...all.map((trace) => trace.length));
  const byEnd = Map.groupBy(all, (trace) => trace.slice(-length));
  const found = new Set<string>();
  for (let end = all.length === 0 ? Number.POSITIVE_INFINITY : length; end <= text.length; end += 1)
    for (const trace of byEnd.get(text.slice(end - length, end)) ?? []) if (text.endsWith(trace, end)) found.add(trace);
  return all.filter((trace) => found.has(trace));
}

/** As it stands in JSON, if it is too long to be there by chance. */
const asTrace = (text: unknown) =>
  typeof text === 'string' && text.length > 6 ? [JSON.stringify(text).slice(1, -1)] : [];

/** What of conversations must be nowhere once they are erased: ids, and the words of texts, names and results that no other has. */
export function tracesOf(source: Source, theirs: WireConversationDetail[], others: WireConversationDetail[]): string[] {
  const ids = theirs.flatMap(({ id, communications, operatorResultIds }) => [
    id,
    ...(communications ?? []).map((each) => each.id),
    ...(operatorResultIds ?? []),
  ]);
  const words = theirs.flatMap(({ id, name, participants, communications }) => [
    ...[name, ...(participants ?? []).map((each) => each.name)].flatMap(asTrace),
    ...(communications ?? []).flatMap(({ content }) => asTrace(content?.text)),
    ...source.results(id).flatMap(({ result }) => asTrace((result as { text?: unknown } | null)?.text)),
  ]);
  const elsewhere = JSON.stringify([others, others.map(({ id }) => source.results(id))]);
  const common = new Set(foundIn(elsewhere, words));
  return [...new Set([...ids, ...words.filter((each) => !common.has(each))])];
}
