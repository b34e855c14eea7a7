-- What every table and column means, in the database's own catalogue, where BI tools and psql's \d+ show it.
COMMENT ON SCHEMA twilio IS 'A copy of Twilio Conversational Intelligence: conversations, participants, transcripts and links to operator results. Kept by conversation-sync; read it, do not write it.';
--> statement-breakpoint
COMMENT ON SCHEMA twilio_sync IS 'Bookkeeping of conversation-sync: what has been listed, what is still to be fetched, who may write. Not for dashboards.';
--> statement-breakpoint
COMMENT ON TABLE twilio.conversations IS 'One row a conversation.';
COMMENT ON COLUMN twilio.conversations.id IS 'The API''s id of the conversation.';
COMMENT ON COLUMN twilio.conversations.account_id IS 'The Twilio account it belongs to (AC…).';
COMMENT ON COLUMN twilio.conversations.name IS 'Display name, where the API gives one.';
COMMENT ON COLUMN twilio.conversations.status IS 'ACTIVE, INACTIVE or CLOSED; a value the API adds later is kept as it comes.';
COMMENT ON COLUMN twilio.conversations.conversation_configuration_id IS 'The configuration that made the conversation.';
COMMENT ON COLUMN twilio.conversations.created_at IS 'When the conversation began, by the API; cut to the microsecond.';
COMMENT ON COLUMN twilio.conversations.updated_at IS 'When the API last changed it. Operator results can arrive without moving it.';
COMMENT ON COLUMN twilio.conversations.extra IS 'Fields of the conversation that have no column, as they came; null when there are none.';
COMMENT ON COLUMN twilio.conversations.first_synced_at IS 'When this row was first stored.';
COMMENT ON COLUMN twilio.conversations.synced_at IS 'When anything about the conversation or its children last changed here. Read increments with synced_at > the last value seen.';
COMMENT ON COLUMN twilio.conversations.deleted_at IS 'When it was found to be gone from the API; its rows stay. Null while it is there.';
--> statement-breakpoint
COMMENT ON TABLE twilio.conversation_channels IS 'The channels a conversation used, one row each.';
COMMENT ON COLUMN twilio.conversation_channels.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.conversation_channels.channel IS 'VOICE, SMS, RCS, EMAIL, WHATSAPP, CHAT, API, SYSTEM, or what the API adds later.';
--> statement-breakpoint
COMMENT ON TABLE twilio.conversation_channel_ids IS 'Ids of the underlying channel resources, such as call or message SIDs.';
COMMENT ON COLUMN twilio.conversation_channel_ids.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.conversation_channel_ids.channel_id IS 'A call SID, a message SID, or the like.';
--> statement-breakpoint
COMMENT ON TABLE twilio.conversation_intelligence_configurations IS 'Intelligence configurations that analysed a conversation.';
COMMENT ON COLUMN twilio.conversation_intelligence_configurations.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.conversation_intelligence_configurations.intelligence_configuration_id IS 'The intelligence configuration''s id.';
--> statement-breakpoint
COMMENT ON TABLE twilio.participants IS 'Who took part in a conversation.';
COMMENT ON COLUMN twilio.participants.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.participants.id IS 'The API''s id of the participant within the conversation.';
COMMENT ON COLUMN twilio.participants."position" IS 'Place in the API''s list, from 0.';
COMMENT ON COLUMN twilio.participants.name IS 'Display name, where there is one.';
COMMENT ON COLUMN twilio.participants.type IS 'CUSTOMER, HUMAN_AGENT, AI_AGENT, AGENT, UNKNOWN, or what the API adds later.';
COMMENT ON COLUMN twilio.participants.extra IS 'Fields of the participant that have no column; null when there are none.';
--> statement-breakpoint
COMMENT ON TABLE twilio.participant_addresses IS 'Addresses of a participant: phone numbers, e-mail addresses, sender ids.';
COMMENT ON COLUMN twilio.participant_addresses.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.participant_addresses.participant_id IS 'The participant.';
COMMENT ON COLUMN twilio.participant_addresses.address IS 'The address as the API gives it.';
--> statement-breakpoint
COMMENT ON TABLE twilio.communications IS 'The transcript: one row an utterance or message.';
COMMENT ON COLUMN twilio.communications.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.communications.id IS 'The API''s id of the communication.';
COMMENT ON COLUMN twilio.communications."position" IS 'Place in the API''s list, from 0: the order of the talk.';
COMMENT ON COLUMN twilio.communications.participant_id IS 'Who said it; may name a participant who is not listed.';
COMMENT ON COLUMN twilio.communications.text IS 'What was said or written. U+0000 and lone surrogates, which Postgres cannot hold, are U+FFFD.';
COMMENT ON COLUMN twilio.communications.created_at IS 'When it was said, by the API; cut to the microsecond.';
COMMENT ON COLUMN twilio.communications.extra IS 'Fields of the communication that have no column; null when there are none.';
--> statement-breakpoint
COMMENT ON TABLE twilio.operator_result_links IS 'Which operator results a conversation has; their content is at the API.';
COMMENT ON COLUMN twilio.operator_result_links.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio.operator_result_links.operator_result_id IS 'The operator result''s id.';
COMMENT ON COLUMN twilio.operator_result_links."position" IS 'Place in the API''s list, from 0.';
--> statement-breakpoint
COMMENT ON TABLE twilio_sync.scope IS 'What this database is a copy of: one row.';
COMMENT ON COLUMN twilio_sync.scope.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN twilio_sync.scope.account_sid IS 'The Twilio account. Another account on the same database is refused.';
COMMENT ON COLUMN twilio_sync.scope.base_url IS 'The API''s base URL.';
COMMENT ON COLUMN twilio_sync.scope.filters IS 'The SYNC_ filters in force.';
COMMENT ON COLUMN twilio_sync.scope.generation IS 'Counts changes of the filters.';
COMMENT ON COLUMN twilio_sync.scope.created_at IS 'When the first sync began.';
--> statement-breakpoint
COMMENT ON TABLE twilio_sync.lease IS 'Who may write: one row.';
COMMENT ON COLUMN twilio_sync.lease.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN twilio_sync.lease.epoch IS 'Grows with each change of hands; a load under another epoch writes nothing.';
COMMENT ON COLUMN twilio_sync.lease.holder IS 'Host and process of the present writer.';
COMMENT ON COLUMN twilio_sync.lease.expires_at IS 'Until when, by this database''s clock, unless renewed.';
COMMENT ON COLUMN twilio_sync.lease.stamp IS 'The last synced_at that was given out.';
--> statement-breakpoint
COMMENT ON TABLE twilio_sync.sweeps IS 'One row each time a sweep set out to list its windows.';
COMMENT ON COLUMN twilio_sync.sweeps.id IS 'Its number.';
COMMENT ON COLUMN twilio_sync.sweeps.sweep IS 'new, open, lookback, backfill, reconcile, or range for a stretch asked for by a person.';
COMMENT ON COLUMN twilio_sync.sweeps.started_at IS 'When it was planned.';
COMMENT ON COLUMN twilio_sync.sweeps.ended_at IS 'When its last window was complete; null while it goes on.';
COMMENT ON COLUMN twilio_sync.sweeps.listed IS 'Conversations listed so far.';
COMMENT ON COLUMN twilio_sync.sweeps.expected IS 'Stored conversations it should have listed so far.';
COMMENT ON COLUMN twilio_sync.sweeps.missing IS 'Of those, how many it did not list.';
COMMENT ON COLUMN twilio_sync.sweeps.braked IS 'True where so many were missing that none was looked at: see the deletion brake.';
--> statement-breakpoint
COMMENT ON TABLE twilio_sync.windows IS 'Stretches of created_at to be listed, or listed. A finished row says up to when, and how recently, the copy is known to be whole.';
COMMENT ON COLUMN twilio_sync.windows.id IS 'Its number.';
COMMENT ON COLUMN twilio_sync.windows.sweep_id IS 'The sweep it belongs to.';
COMMENT ON COLUMN twilio_sync.windows.sweep IS 'That sweep''s name.';
COMMENT ON COLUMN twilio_sync.windows.from_at IS 'Lower edge, included.';
COMMENT ON COLUMN twilio_sync.windows.to_at IS 'Upper edge, excluded.';
COMMENT ON COLUMN twilio_sync.windows.cursor IS 'Everything from here up to to_at is listed and stored; listing goes on below.';
COMMENT ON COLUMN twilio_sync.windows.completed_at IS 'When the whole window was stored.';
COMMENT ON COLUMN twilio_sync.windows.failures IS 'How often in a row listing it has failed.';
COMMENT ON COLUMN twilio_sync.windows.error IS 'Why it last failed.';
--> statement-breakpoint
COMMENT ON TABLE twilio_sync.fingerprints IS 'What was last seen of each stored conversation, to tell changed ones from unchanged.';
COMMENT ON COLUMN twilio_sync.fingerprints.conversation_id IS 'The conversation.';
COMMENT ON COLUMN twilio_sync.fingerprints.item IS 'Fingerprint of its list item.';
COMMENT ON COLUMN twilio_sync.fingerprints.detail IS 'Fingerprint of its detail.';
COMMENT ON COLUMN twilio_sync.fingerprints.normalizer IS 'Version of the normalizer that made its rows.';
COMMENT ON COLUMN twilio_sync.fingerprints.generation IS 'The scope''s generation in which it was last listed.';
COMMENT ON COLUMN twilio_sync.fingerprints.fetched_at IS 'When its detail was last fetched, by the API''s clock.';
--> statement-breakpoint
COMMENT ON TABLE twilio_sync.due IS 'Details wanted without a listing.';
COMMENT ON COLUMN twilio_sync.due.conversation_id IS 'The conversation; for a list item without a usable id, a hash of the item.';
COMMENT ON COLUMN twilio_sync.due.reason IS 'Why: behind, absent, closed, open, missing, failed, asked, upgrade.';
COMMENT ON COLUMN twilio_sync.due.due_at IS 'Not before; infinity while its sweep has not ended.';
COMMENT ON COLUMN twilio_sync.due.attempts IS 'How many fetches this reason has seen.';
COMMENT ON COLUMN twilio_sync.due.error IS 'What went wrong last.';
COMMENT ON COLUMN twilio_sync.due.fingerprint IS 'Fingerprint of the list item it concerns.';
COMMENT ON COLUMN twilio_sync.due.wants IS 'What the list item showed and the detail did not.';
COMMENT ON COLUMN twilio_sync.due.sweep_id IS 'The sweep that found it missing.';
COMMENT ON COLUMN twilio_sync.due.first_at IS 'When the reason arose.';
COMMENT ON COLUMN twilio_sync.due.last_at IS 'When it was last tried.';
--> statement-breakpoint
COMMENT ON TABLE twilio_sync.runs IS 'Passes of the worker and the commands; kept for 30 days.';
COMMENT ON COLUMN twilio_sync.runs.id IS 'Its number.';
COMMENT ON COLUMN twilio_sync.runs.command IS 'What ran.';
COMMENT ON COLUMN twilio_sync.runs.started_at IS 'When it began.';
COMMENT ON COLUMN twilio_sync.runs.ended_at IS 'When it ended; null while it runs or if it was killed.';
COMMENT ON COLUMN twilio_sync.runs.outcome IS 'ok, incomplete or failed.';
COMMENT ON COLUMN twilio_sync.runs.error IS 'Why it failed.';
COMMENT ON COLUMN twilio_sync.runs.counts IS 'Conversations listed, fetched, stored, deleted; API requests.';
--> statement-breakpoint
COMMENT ON VIEW twilio_sync.quarantine IS 'Conversations whose detail could not be had or stored; their previous whole version, where there is one, stays in place.';
COMMENT ON COLUMN twilio_sync.quarantine.conversation_id IS 'The conversation; for a list item without a usable id, a hash of the item.';
COMMENT ON COLUMN twilio_sync.quarantine.reason IS 'What went wrong last.';
COMMENT ON COLUMN twilio_sync.quarantine.first_failed_at IS 'First failure.';
COMMENT ON COLUMN twilio_sync.quarantine.last_failed_at IS 'Last failure.';
COMMENT ON COLUMN twilio_sync.quarantine.attempts IS 'Failures so far.';
COMMENT ON COLUMN twilio_sync.quarantine.next_attempt_at IS 'When it is tried again.';
COMMENT ON COLUMN twilio_sync.quarantine.fingerprint IS 'Fingerprint of the list item it concerns.';
--> statement-breakpoint
INSERT INTO twilio_sync.lease DEFAULT VALUES ON CONFLICT DO NOTHING;
