// Every table that holds something of what the API says: its columns, its key, and where in the API's object each value
// comes from. Normalizing, `extra`, packing, merging, comparing and the check of the schema follow from these.

export type ColumnType = 'text' | 'integer' | 'boolean' | 'timestamptz' | 'jsonb';

/** Which kind of personal data a column holds. */
export type PersonalData = 'texts' | 'names' | 'addresses' | 'results';

export interface Column {
  type: ColumnType;
  /**
   * `field`: the first of `paths` that leads to a value of the type; the first path is the field that `extra` leaves out.
   * `parent`: the column of the parent's key at the same place. `element`: the array's element itself.
   * `position`: the element's place, from 0. `rest`: all that no column and no child table takes.
   */
  from: 'field' | 'parent' | 'element' | 'position' | 'rest';
  paths: string[];
  personal?: PersonalData;
}

export interface Table {
  name: string;
  /** Rows are the elements of an array in the parent's object. Without a parent, the source's object is the row. */
  parent?: { table: Table; array: string };
  /** Text columns. With a parent: the parent's key, then one column that tells the rows of one parent apart. */
  key: string[];
  columns: Record<string, Column>;
}

type Options = Pick<Column, 'personal'>;

/** A column of a field. A path leads through objects: `content.text`. */
export function field(type: ColumnType, paths: string | string[], options: Options = {}): Column {
  return { type, from: 'field', paths: [paths].flat(), ...options };
}

export const text = (paths: string | string[], options?: Options) => field('text', paths, options);
export const time = (path: string) => field('timestamptz', path);
export const ofParent: Column = { type: 'text', from: 'parent', paths: [] };
export const position: Column = { type: 'integer', from: 'position', paths: [] };
export const rest: Column = { type: 'jsonb', from: 'rest', paths: [] };
export const element = (options: Options = {}): Column => ({ type: 'text', from: 'element', paths: [], ...options });

export const conversations: Table = {
  name: 'conversations',
  key: ['id'],
  columns: {
    id: text('id'),
    account_id: text('accountId'),
    name: text('name', { personal: 'names' }),
    status: text('status'),
    conversation_configuration_id: text('conversationConfigurationId'),
    created_at: time('createdAt'),
    updated_at: time('updatedAt'),
    extra: rest,
  },
};

export const channels: Table = {
  name: 'conversation_channels',
  parent: { table: conversations, array: 'channels' },
  key: ['conversation_id', 'channel'],
  columns: { conversation_id: ofParent, channel: element() },
};

export const channelIds: Table = {
  name: 'conversation_channel_ids',
  parent: { table: conversations, array: 'channelIds' },
  key: ['conversation_id', 'channel_id'],
  columns: { conversation_id: ofParent, channel_id: element() },
};

export const intelligenceConfigurations: Table = {
  name: 'conversation_intelligence_configurations',
  parent: { table: conversations, array: 'intelligenceConfigurationIds' },
  key: ['conversation_id', 'intelligence_configuration_id'],
  columns: { conversation_id: ofParent, intelligence_configuration_id: element() },
};

export const participants: Table = {
  name: 'participants',
  parent: { table: conversations, array: 'participants' },
  key: ['conversation_id', 'id'],
  columns: {
    conversation_id: ofParent,
    id: text('id'),
    position,
    name: text('name', { personal: 'names' }),
    type: text('type'),
    extra: rest,
  },
};

export const participantAddresses: Table = {
  name: 'participant_addresses',
  parent: { table: participants, array: 'addressValues' },
  key: ['conversation_id', 'participant_id', 'address'],
  columns: { conversation_id: ofParent, participant_id: ofParent, address: element({ personal: 'addresses' }) },
};

export const communications: Table = {
  name: 'communications',
  parent: { table: conversations, array: 'communications' },
  key: ['conversation_id', 'id'],
  columns: {
    conversation_id: ofParent,
    id: text('id'),
    position,
    participant_id: text('participantId'),
    text: text('content.text', { personal: 'texts' }),
    created_at: time('createdAt'),
    extra: rest,
  },
};

export const operatorResultLinks: Table = {
  name: 'operator_result_links',
  parent: { table: conversations, array: 'operatorResultIds' },
  key: ['conversation_id', 'operator_result_id'],
  columns: { conversation_id: ofParent, operator_result_id: element(), position },
};

export const operatorResults: Table = {
  name: 'operator_results',
  key: ['conversation_id', 'id'],
  columns: {
    conversation_id: text('conversationId'),
    id: text('id'),
    account_id: text('accountId'),
    operator_id: text('operator.id'),
    operator_version: field('integer', 'operator.version'),
    intelligence_configuration_id: text('intelligenceConfiguration.id'),
    intelligence_configuration_version: field('integer', 'intelligenceConfiguration.version'),
    rule_id: text('intelligenceConfiguration.ruleId'),
    output_format: text('outputFormat'),
    text: text(['result.text', 'result'], { personal: 'results' }),
    label: text('result.label'),
    result: field('jsonb', 'result', { personal: 'results' }),
    trigger: text('executionDetails.trigger.on'),
    triggered_at: time('executionDetails.trigger.timestamp'),
    first_communication_id: text('executionDetails.communications.first'),
    last_communication_id: text('executionDetails.communications.last'),
    model: text('metadata.system.resolvedModel'),
    latency_ms: field('integer', 'metadata.system.latencyMs'),
    input_characters: field('integer', 'metadata.system.inputCharacters'),
    output_characters: field('integer', 'metadata.system.outputCharacters'),
    input_truncated: field('boolean', 'metadata.system.inputTruncated'),
    created_at: time('dateCreated'),
    extra: rest,
  },
};

export const operatorResultReferences: Table = {
  name: 'operator_result_references',
  parent: { table: operatorResults, array: 'referenceIds' },
  key: ['conversation_id', 'operator_result_id', 'reference_id'],
  columns: { conversation_id: ofParent, operator_result_id: ofParent, reference_id: element() },
};

export const operators: Table = {
  name: 'operators',
  key: ['id'],
  columns: {
    id: text('id'),
    name: text('displayName'),
    description: text('description'),
    version: field('integer', 'version'),
    author: text('author'),
    output_format: text('outputFormat'),
    extra: rest,
  },
};

export const namedConfigurations: Table = {
  name: 'intelligence_configurations',
  key: ['id'],
  columns: {
    id: text('id'),
    account_id: text('accountId'),
    name: text('displayName'),
    description: text('description'),
    version: field('integer', 'version'),
    created_at: time('dateCreated'),
    updated_at: time('dateUpdated'),
    extra: rest,
  },
};

/** The tables that each object of the API fills, parents before children. */
export const tablesOf = {
  conversation: [
    conversations,
    channels,
    channelIds,
    intelligenceConfigurations,
    participants,
    participantAddresses,
    communications,
    operatorResultLinks,
  ],
  operatorResult: [operatorResults, operatorResultReferences],
  operator: [operators],
  configuration: [namedConfigurations],
} satisfies Record<string, readonly Table[]>;

/** The columns that say which parent a row belongs to. An object with the array speaks of all rows that share them. */
export function scopeOf({ key, parent }: Table): string[] {
  return parent === undefined ? [] : key.slice(0, parent.table.key.length);
}
