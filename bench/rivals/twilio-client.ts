// What a team writes in an afternoon: npm's `twilio` lists everything and fetches each conversation, ten at a time; node-postgres
// with a pool of ten stores each in a transaction of its own, an upsert a row. No cursor, no comparison, no retry.
// Settings are those of the product: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_INTELLIGENCE_URL and DATABASE_URL.

import pg from 'pg';
import twilio from 'twilio';
import type { RequestOptions } from 'twilio/lib/base/RequestClient.js';
import type { ConversationInstance } from 'twilio/lib/rest/intelligence/v3/conversation.js';

const atOnce = 10;
const {
  TWILIO_ACCOUNT_SID = '',
  TWILIO_AUTH_TOKEN = '',
  TWILIO_INTELLIGENCE_URL = '',
  DATABASE_URL = '',
} = process.env;

/** The client has no setting for another host, so its requests are sent elsewhere. */
class RedirectingClient extends twilio.RequestClient {
  override request<TData>(options: RequestOptions<TData>) {
    const uri = options.uri.replace('https://intelligence.twilio.com', TWILIO_INTELLIGENCE_URL);
    return super.request<TData>({ ...options, uri });
  }
}

const httpClient = new RedirectingClient({ keepAlive: true, maxSockets: atOnce });
const { conversations } = twilio(TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, { httpClient }).intelligence.v3;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: atOnce });

const listed = await conversations.list({ pageSize: 1000 });
const left = listed.map(({ id }) => id);
await Promise.all(Array.from({ length: atOnce }, work));
await pool.end();

async function work(): Promise<void> {
  for (let id = left.pop(); id !== undefined; id = left.pop()) await store(await conversations(id).fetch());
}

async function store(conversation: ConversationInstance): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await storeHead(client, conversation);
    await storeParticipants(client, conversation);
    await storeCommunications(client, conversation);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

async function storeHead(client: pg.PoolClient, conversation: ConversationInstance): Promise<void> {
  const { id, accountId, name, status, conversationConfigurationId, createdAt, updatedAt } = conversation;
  await client.query(
    `insert into twilio.conversations (id, account_id, name, status, conversation_configuration_id, created_at, updated_at, first_synced_at, synced_at)
     values ($1, $2, $3, $4, $5, $6, $7, now(), now())
     on conflict (id) do update set account_id = excluded.account_id, name = excluded.name, status = excluded.status,
       conversation_configuration_id = excluded.conversation_configuration_id, created_at = excluded.created_at,
       updated_at = excluded.updated_at, synced_at = excluded.synced_at`,
    [id, accountId, name, status, conversationConfigurationId, createdAt, updatedAt],
  );
  for (const channel of conversation.channels ?? []) {
    await client.query('insert into twilio.conversation_channels values ($1, $2) on conflict do nothing', [
      id,
      channel,
    ]);
  }
  for (const channelId of conversation.channelIds ?? []) {
    await client.query('insert into twilio.conversation_channel_ids values ($1, $2) on conflict do nothing', [
      id,
      channelId,
    ]);
  }
  for (const configurationId of conversation.intelligenceConfigurationIds ?? []) {
    await client.query(
      'insert into twilio.conversation_intelligence_configurations values ($1, $2) on conflict do nothing',
      [id, configurationId],
    );
  }
  for (const [position, resultId] of (conversation.operatorResultIds ?? []).entries()) {
    await client.query(
      `insert into twilio.operator_result_links (conversation_id, operator_result_id, position) values ($1, $2, $3)
       on conflict (conversation_id, operator_result_id) do update set position = excluded.position`,
      [id, resultId, position],
    );
  }
}

async function storeParticipants(client: pg.PoolClient, { id, participants }: ConversationInstance): Promise<void> {
  for (const [position, { id: participantId, name, type, addressValues }] of (participants ?? []).entries()) {
    await client.query(
      `insert into twilio.participants (conversation_id, id, position, name, type) values ($1, $2, $3, $4, $5)
       on conflict (conversation_id, id) do update set position = excluded.position, name = excluded.name, type = excluded.type`,
      [id, participantId, position, name, type],
    );
    for (const address of addressValues) {
      await client.query('insert into twilio.participant_addresses values ($1, $2, $3) on conflict do nothing', [
        id,
        participantId,
        address,
      ]);
    }
  }
}

async function storeCommunications(client: pg.PoolClient, { id, communications }: ConversationInstance): Promise<void> {
  for (const [position, { id: communicationId, participantId, content, createdAt }] of (
    communications ?? []
  ).entries()) {
    await client.query(
      `insert into twilio.communications (conversation_id, id, position, participant_id, text, created_at) values ($1, $2, $3, $4, $5, $6)
       on conflict (conversation_id, id) do update set position = excluded.position, participant_id = excluded.participant_id,
         text = excluded.text, created_at = excluded.created_at`,
      [id, communicationId, position, participantId, content.text ?? null, createdAt],
    );
  }
}
