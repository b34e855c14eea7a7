// The conversations in which an address takes part, counted before they are erased, and addresses that are written in another way.

import type { Database } from './database.ts';
import { type RowCounts, rowCounts } from './tombstones.ts';

export interface TakingPart {
  conversations: number;
  rows: RowCounts;
  /** Of these conversations, those in which customers with none of the addresses take part too. */
  shared: number;
  /** Addresses that look like the same in another form, such as `whatsapp:+15550100` for `+15550100`. */
  alike: { address: string; conversations: number }[];
  /** Until history is loaded, older conversations may still come. */
  loading: boolean;
}

/** SQL for an address without the channel before it, punctuation and leading zeros. */
const bare = (address: string) =>
  `regexp_replace(regexp_replace(lower(regexp_replace(${address}, '^[A-Za-z]+:', '')), '[^[:alnum:]@]', '', 'g'), '^0+', '')`;

const mostAlike = 20;

/** Counts what `forget --address` would erase. `likely`: hashes of other forms, and what they are hashes of. @throws DatabaseTrouble. */
export async function countTakingPart(
  database: Database,
  addresses: string[],
  likely: ReadonlyMap<string, string> = new Map(),
): Promise<TakingPart> {
  return await database.run(async (queries) => {
    const [found] = await queries.sql<Omit<TakingPart, 'alike'>>(
      `with asked as materialized (
         select distinct conversation_id as id from twilio.participant_addresses where address = any($1))
       select (select count(*)::int from asked) as conversations,
         ${rowCounts((column) => `${column} in (select id from asked)`)} as rows,
         (select count(*)::int from asked where exists (
            select from twilio.participants other where other.conversation_id = asked.id and other.type = 'CUSTOMER'
              and not exists (select from twilio.participant_addresses of_other where of_other.conversation_id = other.conversation_id
                and of_other.participant_id = other.id and of_other.address = any($1)))) as shared,
         twilio.data_complete_through() is null as loading`,
      [addresses],
    );
    if (found === undefined) throw new Error('the database gave no counts');
    const alike = await queries.sql<TakingPart['alike'][number]>(
      `select address, count(distinct conversation_id)::int as conversations from twilio.participant_addresses
       where address <> all($1) and (address = any($2) or ${bare('address')} in (
         select ${bare('given.address')} from unnest($1::text[]) as given(address) where ${bare('given.address')} <> ''))
       group by address order by address limit ${mostAlike}`,
      [addresses, [...likely.keys()]],
    );
    return { ...found, alike: alike.map((each) => ({ ...each, address: likely.get(each.address) ?? each.address })) };
  });
}
