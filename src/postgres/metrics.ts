// What src/sync/metrics.ts computes of an answer, computed of stored rows: where an answer did not say all of them, after
// an upgrade, and when a definition changes. Writes only rows that differ.

import { type Mask, noMask } from '../sync/mask.ts';
import { metricsVersion, wordSeparators } from '../sync/metrics.ts';
import { computedOf, conversations, participants } from '../sync/tables.ts';
import type { Queries } from './database.ts';
import { fromMicroseconds } from './instant.ts';

const quoted = (text: string) =>
  `E'${[...text].map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}'`;
const words = `cardinality(array_remove(string_to_array(
  translate(m.text, ${quoted(wordSeparators)}, repeat(' ', ${wordSeparators.length})), ' '), ''))`;
const seconds = (interval: string) => `extract(epoch from ${interval})::float8`;
const person = `('HUMAN_AGENT', 'AGENT')`;
const agent = `('HUMAN_AGENT', 'AGENT', 'AI_AGENT')`;

/** The common table expressions `of_conversation` and `of_participant`: the computed columns of the conversations in $1. */
const computed = (mask: Mask) => `
  asked as materialized (select id from unnest($1::text[]) as asked(id)),
  person as materialized (
    select p.conversation_id, p.id, p.position, p.name, p.type, (
      select min(a.address collate "C") from twilio.participant_addresses a
      where a.conversation_id = p.conversation_id and a.participant_id = p.id
    ) as address
    from asked join twilio.participants p on p.conversation_id = asked.id
  ),
  talk as materialized (
    select m.conversation_id, m.position, m.created_at, m.participant_id, p.id as listed, p.type, coalesce(${words}, 0) as words
    from asked join twilio.communications m on m.conversation_id = asked.id
    left join twilio.participants p on p.conversation_id = m.conversation_id and p.id = m.participant_id
  ),
  timed as materialized (
    select *, row_number() over course = 1 or participant_id is distinct from lag(participant_id) over course as is_turn,
      count(*) filter (where type = 'CUSTOMER') over course > 0 as is_asked,
      count(*) filter (where type = 'AI_AGENT') over course > 0 as is_after_ai,
      count(*) filter (where type in ${agent}) over course - (case when type in ${agent} then 1 else 0 end) as answers_before
    from talk where created_at is not null
    window course as (partition by conversation_id order by created_at, position rows unbounded preceding)
  ),
  wait as materialized (
    select conversation_id, answers_before as nth, max(listed) filter (where type in ${agent}) as listed,
      max(created_at) filter (where type in ${agent}) - min(created_at) filter (where type = 'CUSTOMER') as length
    from timed group by 1, 2
    having bool_or(type = 'CUSTOMER') and bool_or(type in ${agent})
  ),
  course as (
    select conversation_id, min(created_at) as first_communication_at, max(created_at) as last_communication_at,
      count(*) filter (where is_turn) as turns,
      min(created_at) filter (where type = 'CUSTOMER') as asked_at,
      min(created_at) filter (where is_asked and type in ${person}) as person_at,
      bool_or(is_after_ai and type in ${person}) as is_handed_over
    from timed group by 1
  ),
  amount as (
    select conversation_id, count(*) as communications, sum(words) as words,
      count(*) filter (where type = 'CUSTOMER') as by_customers,
      count(*) filter (where type in ${agent}) as by_agents, count(*) filter (where type = 'AI_AGENT') as by_ai
    from talk group by 1
  ),
  response as (
    select distinct on (conversation_id) conversation_id, listed, length from wait order by conversation_id, nth
  ),
  longest as (select conversation_id, max(length) as length from wait group by 1),
  of_conversation as materialized (
    select c.id as conversation_id,
      coalesce(amount.communications, 0)::int as communications, coalesce(amount.by_customers, 0)::int as customer_communications,
      coalesce(amount.by_agents, 0)::int as agent_communications, coalesce(amount.by_ai, 0)::int as ai_agent_communications,
      ${mask.omits('texts') ? 'null' : 'coalesce(amount.words, 0)'}::int as words, coalesce(course.turns, 0)::int as turns,
      course.first_communication_at, course.last_communication_at,
      ${seconds('response.length')} as first_response_seconds, answered.id as first_response_participant_id,
      answered.type as first_response_type, answered.name as first_response_name, answered.address as first_response_address,
      ${seconds('course.person_at - course.asked_at')} as person_response_seconds,
      ${seconds('longest.length')} as longest_wait_seconds,
      coalesce(course.is_handed_over, false) as is_handed_over,
      coalesce(amount.by_ai > 0 and amount.by_ai = amount.by_agents, false) as is_contained,
      course.asked_at is not null and response.length is null as is_unanswered,
      (select count(*) from person p where p.conversation_id = c.id)::int as participants,
      customer.name as customer_name, customer.address as customer_address,
      agent.name as agent_name, agent.address as agent_address, agent.type as agent_type,
      array(select channel from twilio.conversation_channels h where h.conversation_id = c.id order by channel collate "C") as channels,
      (select count(*) from twilio.operator_result_links l where l.conversation_id = c.id)::int as operator_results
    from asked join twilio.conversations c on c.id = asked.id
    left join amount on amount.conversation_id = c.id
    left join course on course.conversation_id = c.id
    left join response on response.conversation_id = c.id
    left join person answered on answered.conversation_id = c.id and answered.id = response.listed
    left join longest on longest.conversation_id = c.id
    left join lateral (
      select name, address from person p where p.conversation_id = c.id and type = 'CUSTOMER' order by position limit 1
    ) as customer on true
    left join lateral (
      select name, address, type from person p where p.conversation_id = c.id and type in ${agent}
      order by type = 'AI_AGENT', position limit 1
    ) as agent on true
  ),
  of_participant as materialized (
    select p.conversation_id, p.id, p.address, coalesce(said.communications, 0)::int as communications, ${mask.omits('texts') ? 'null' : 'coalesce(said.words, 0)'}::int as words,
      said.first_communication_at, said.last_communication_at,
      coalesce(answered.responses, 0)::int as responses, ${seconds('answered.waited')} as response_seconds
    from person p
    left join (
      select conversation_id, listed, count(*) as communications, sum(words) as words,
        min(created_at) as first_communication_at, max(created_at) as last_communication_at
      from talk group by 1, 2
    ) as said on said.conversation_id = p.conversation_id and said.listed = p.id
    left join (
      select conversation_id, listed, count(*) as responses, sum(length) as waited from wait group by 1, 2
    ) as answered on answered.conversation_id = p.conversation_id and answered.listed = p.id
  )`;

const [ofConversation, ofParticipant] = [computedOf(conversations), computedOf(participants)];
const row = (of: string, columns: string[]) => `(${columns.map((column) => `${of}."${column}"`).join(', ')})`;
const differs = (columns: string[]) => `${row('stored', columns)} is distinct from ${row('given', columns)}`;
const set = (columns: string[]) => columns.map((column) => `"${column}" = given."${column}"`).join(', ');

/** Computes the metrics of stored conversations, in a transaction under the lease with this stamp. @returns those that changed. */
export async function computeMetrics(queries: Queries, ids: string[], stamp: bigint, mask: Mask): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await queries.sql<{ id: string }>(
    `with ${computed(mask)}, changed as (
       update twilio.participants stored set ${set(ofParticipant)} from of_participant given
       where stored.conversation_id = given.conversation_id and stored.id = given.id and ${differs(ofParticipant)}
       returning stored.conversation_id
     )
     update twilio.conversations stored set ${set(ofConversation)}, synced_at = ${fromMicroseconds('$2')}
     from of_conversation given
     where stored.id = given.conversation_id
       and (${differs(ofConversation)} or stored.id in (select conversation_id from changed))
     returning stored.id`,
    [ids, stamp],
    'twilio.conversations',
  );
  return rows.map(({ id }) => id);
}

/** The stored conversations among these whose metrics are not those of their rows. */
export async function findWrongMetrics(queries: Queries, ids: string[], mask = noMask): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await queries.sql<{ id: string }>(
    `with ${computed(mask)}
     select stored.id from twilio.conversations stored join of_conversation given on given.conversation_id = stored.id
     where ${differs(ofConversation)}
     union select stored.conversation_id from twilio.participants stored
     join of_participant given on stored.conversation_id = given.conversation_id and stored.id = given.id
     where ${differs(ofParticipant)}`,
    [ids],
  );
  return rows.map(({ id }) => id);
}

const batchSize = 200;

/**
 * Computes the metrics of the next stored conversations that lack those of this version, newest first. In a transaction under
 * the lease. @returns whether there were any.
 */
export async function fillMetrics(queries: Queries, stamp: bigint, mask: Mask): Promise<boolean> {
  await queries.sql(
    `update twilio_sync.metrics set version = $1, reached_at = null, reached_id = null, filled_at = null where version <> $1`,
    [metricsVersion],
  );
  const next = await queries.sql<{ id: string }>(
    `select c.id from twilio_sync.metrics, twilio.conversations c
     where filled_at is null and (reached_at is null or (c.created_at, c.id) < (reached_at, reached_id))
     order by c.created_at desc, c.id desc limit ${batchSize}`,
  );
  const last = next.at(-1)?.id;
  if (last === undefined) {
    const filledAt = fromMicroseconds('$1');
    await queries.sql(`update twilio_sync.metrics set filled_at = ${filledAt} where filled_at is null`, [stamp]);
    return false;
  }
  await computeMetrics(
    queries,
    next.map(({ id }) => id),
    stamp,
    mask,
  );
  await queries.sql(
    `update twilio_sync.metrics set reached_at = c.created_at, reached_id = c.id from twilio.conversations c where c.id = $1`,
    [last],
  );
  return true;
}
