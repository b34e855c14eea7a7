// The tables people query: schema `twilio`. Names and columns are public (dashboards are built on them); what each
// means for a reader is said in the database's own catalogue (`COMMENT ON`, migrations/0001_comments.sql).
// Every child's key begins with the conversation's, so that a table can be partitioned or distributed on it.

import { sql } from 'drizzle-orm';
import {
  type AnyPgColumn,
  boolean,
  doublePrecision,
  foreignKey,
  index,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';

export const twilio = pgSchema('twilio');

export const conversations = twilio.table(
  'conversations',
  {
    id: text().primaryKey(),
    accountId: text('account_id'),
    name: text(),
    status: text(),
    conversationConfigurationId: text('conversation_configuration_id'),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull(),
    updatedAt: timestamp('updated_at', { withTimezone: true, mode: 'string' }),
    extra: jsonb(),
    communications: integer(),
    customerCommunications: integer('customer_communications'),
    agentCommunications: integer('agent_communications'),
    aiAgentCommunications: integer('ai_agent_communications'),
    words: integer(),
    turns: integer(),
    firstCommunicationAt: timestamp('first_communication_at', { withTimezone: true, mode: 'string' }),
    lastCommunicationAt: timestamp('last_communication_at', { withTimezone: true, mode: 'string' }),
    firstResponseSeconds: doublePrecision('first_response_seconds'),
    firstResponseParticipantId: text('first_response_participant_id'),
    firstResponseType: text('first_response_type'),
    firstResponseName: text('first_response_name'),
    firstResponseAddress: text('first_response_address'),
    personResponseSeconds: doublePrecision('person_response_seconds'),
    longestWaitSeconds: doublePrecision('longest_wait_seconds'),
    isHandedOver: boolean('is_handed_over'),
    isContained: boolean('is_contained'),
    isUnanswered: boolean('is_unanswered'),
    participants: integer(),
    customerName: text('customer_name'),
    customerAddress: text('customer_address'),
    agentName: text('agent_name'),
    agentAddress: text('agent_address'),
    agentType: text('agent_type'),
    channels: text().array(),
    operatorResults: integer('operator_results'),
    firstSyncedAt: timestamp('first_synced_at', { withTimezone: true, mode: 'string' }).notNull(),
    syncedAt: timestamp('synced_at', { withTimezone: true, mode: 'string' }).notNull(),
    deletedAt: timestamp('deleted_at', { withTimezone: true, mode: 'string' }),
  },
  (table) => [
    index('conversations_created_at').on(table.createdAt),
    index('conversations_synced_at').on(table.syncedAt),
    index('conversations_open').on(table.createdAt).where(sql`status in ('ACTIVE', 'INACTIVE') and deleted_at is null`),
  ],
);

/** The column every child's key begins with. */
const conversationId = () =>
  text('conversation_id')
    .notNull()
    .references((): AnyPgColumn => conversations.id, { onDelete: 'cascade' });

export const conversationChannels = twilio.table(
  'conversation_channels',
  { conversationId: conversationId(), channel: text().notNull() },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.channel] }),
    index('conversation_channels_channel').on(table.channel),
  ],
);

export const conversationChannelIds = twilio.table(
  'conversation_channel_ids',
  { conversationId: conversationId(), channelId: text('channel_id').notNull() },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.channelId] }),
    index('conversation_channel_ids_channel_id').on(table.channelId),
  ],
);

export const conversationIntelligenceConfigurations = twilio.table(
  'conversation_intelligence_configurations',
  {
    conversationId: text('conversation_id').notNull(),
    intelligenceConfigurationId: text('intelligence_configuration_id').notNull(),
  },
  (table) => [
    // Named here because the names drizzle would give pass the 63 bytes that Postgres keeps.
    primaryKey({
      name: 'conversation_intelligence_configurations_pk',
      columns: [table.conversationId, table.intelligenceConfigurationId],
    }),
    foreignKey({
      name: 'conversation_intelligence_configurations_conversation_fk',
      columns: [table.conversationId],
      foreignColumns: [conversations.id],
    }).onDelete('cascade'),
    index('conversation_intelligence_configurations_configuration').on(table.intelligenceConfigurationId),
  ],
);

export const participants = twilio.table(
  'participants',
  {
    conversationId: conversationId(),
    id: text().notNull(),
    position: integer().notNull(),
    name: text(),
    type: text(),
    extra: jsonb(),
    address: text(),
    communications: integer(),
    words: integer(),
    firstCommunicationAt: timestamp('first_communication_at', { withTimezone: true, mode: 'string' }),
    lastCommunicationAt: timestamp('last_communication_at', { withTimezone: true, mode: 'string' }),
    responses: integer(),
    responseSeconds: doublePrecision('response_seconds'),
  },
  (table) => [primaryKey({ columns: [table.conversationId, table.id] })],
);

export const participantAddresses = twilio.table(
  'participant_addresses',
  {
    conversationId: text('conversation_id').notNull(),
    participantId: text('participant_id').notNull(),
    address: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.participantId, table.address] }),
    // One foreign key a child: this one leads to the conversation through the participant.
    foreignKey({
      name: 'participant_addresses_participant_fk',
      columns: [table.conversationId, table.participantId],
      foreignColumns: [participants.conversationId, participants.id],
    }).onDelete('cascade'),
    index('participant_addresses_address').on(table.address),
  ],
);

export const communications = twilio.table(
  'communications',
  {
    conversationId: conversationId(),
    id: text().notNull(),
    position: integer().notNull(),
    // Not a foreign key: a communication may name a participant who is not listed.
    participantId: text('participant_id'),
    text: text(),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }),
    extra: jsonb(),
  },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.id] }),
    index('communications_created_at').on(table.createdAt),
  ],
);

export const operatorResultLinks = twilio.table(
  'operator_result_links',
  {
    conversationId: conversationId(),
    operatorResultId: text('operator_result_id').notNull(),
    position: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.operatorResultId] }),
    index('operator_result_links_operator_result_id').on(table.operatorResultId),
  ],
);

export const operatorResults = twilio.table(
  'operator_results',
  {
    conversationId: conversationId(),
    id: text().notNull(),
    accountId: text('account_id'),
    // Not foreign keys: both can be deleted while results still name them.
    operatorId: text('operator_id'),
    operatorVersion: integer('operator_version'),
    intelligenceConfigurationId: text('intelligence_configuration_id'),
    intelligenceConfigurationVersion: integer('intelligence_configuration_version'),
    ruleId: text('rule_id'),
    outputFormat: text('output_format'),
    text: text(),
    label: text(),
    result: jsonb(),
    trigger: text(),
    triggeredAt: timestamp('triggered_at', { withTimezone: true, mode: 'string' }),
    firstCommunicationId: text('first_communication_id'),
    lastCommunicationId: text('last_communication_id'),
    model: text(),
    latencyMs: integer('latency_ms'),
    inputCharacters: integer('input_characters'),
    outputCharacters: integer('output_characters'),
    inputTruncated: boolean('input_truncated'),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull(),
    extra: jsonb(),
  },
  (table) => [
    primaryKey({ columns: [table.conversationId, table.id] }),
    index('operator_results_operator_id_created_at').on(table.operatorId, table.createdAt),
    index('operator_results_created_at').on(table.createdAt),
  ],
);

export const operatorResultReferences = twilio.table(
  'operator_result_references',
  {
    conversationId: text('conversation_id').notNull(),
    operatorResultId: text('operator_result_id').notNull(),
    referenceId: text('reference_id').notNull(),
  },
  (table) => [
    primaryKey({
      name: 'operator_result_references_pk',
      columns: [table.conversationId, table.operatorResultId, table.referenceId],
    }),
    foreignKey({
      name: 'operator_result_references_result_fk',
      columns: [table.conversationId, table.operatorResultId],
      foreignColumns: [operatorResults.conversationId, operatorResults.id],
    }).onDelete('cascade'),
  ],
);

export const operators = twilio.table('operators', {
  id: text().primaryKey(),
  name: text(),
  description: text(),
  version: integer(),
  author: text(),
  outputFormat: text('output_format'),
  extra: jsonb(),
  syncedAt: timestamp('synced_at', { withTimezone: true, mode: 'string' }).notNull(),
  deletedAt: timestamp('deleted_at', { withTimezone: true, mode: 'string' }),
});

export const intelligenceConfigurations = twilio.table('intelligence_configurations', {
  id: text().primaryKey(),
  accountId: text('account_id'),
  name: text(),
  description: text(),
  version: integer(),
  createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }),
  updatedAt: timestamp('updated_at', { withTimezone: true, mode: 'string' }),
  extra: jsonb(),
  syncedAt: timestamp('synced_at', { withTimezone: true, mode: 'string' }).notNull(),
  deletedAt: timestamp('deleted_at', { withTimezone: true, mode: 'string' }),
});
