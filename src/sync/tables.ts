// Every table that holds something of what the API says: its columns, its key, and where in the API's object each value
// comes from. Normalizing, `extra`, packing, merging, comparing and the check of the schema follow from these.

/** The types of what the API says. */
export type FieldType = 'text' | 'integer' | 'boolean' | 'timestamptz' | 'jsonb';
export type ColumnType = FieldType | 'double precision' | 'text[]';

/** Which kind of personal data a column holds. */
export type PersonalData = 'texts' | 'names' | 'addresses' | 'results' | 'extra';

export type Column = FieldColumn | OtherColumn;

/** The first of `paths` that leads to a value of the type; the first path is the field that `extra` leaves out. */
interface FieldColumn {
  type: FieldType;
  from: 'field';
  paths: string[];
  personal?: PersonalData;
}

interface OtherColumn {
  type: ColumnType;
  /**
   * `parent`: the column of the parent's key at the same place. `element`: the array's element itself.
   * `position`: the element's place, from 0. `rest`: all that no column and no child table takes.
   * `computed`: of the whole object; see metrics.ts. Computed columns come last.
   */
  from: 'parent' | 'element' | 'position' | 'rest' | 'computed';
  personal?: PersonalData;
  /** Not personal itself, but null where this is not stored. */
  needs?: PersonalData;
}

export interface Table {
  name: string;
  /** Rows are the elements of an array in the parent's object. Without a parent, the source's object is the row. */
  parent?: { table: Table; array: string };
  /** Text columns. With a parent: the parent's key, then one column that tells the rows of one parent apart. */
  key: string[];
  columns: Record<string, Column>;
  /** A computed column. Where it is null, the object did not say enough to compute any: those that are stored stay. */
  computedIf?: string;
}

type Options = Pick<OtherColumn, 'personal' | 'needs'>;

/** A column of a field. A path leads through objects: `content.text`. */
export function field(type: FieldType, paths: string | string[], options: Pick<FieldColumn, 'personal'> = {}): Column {
  return { type, from: 'field', paths: [paths].flat(), ...options };
}

export const text = (paths: string | string[], options?: Pick<FieldColumn, 'personal'>) =>
  field('text', paths, options);
export const time = (path: string) => field('timestamptz', path);
export const ofParent: Column = { type: 'text', from: 'parent' };
export const position: Column = { type: 'integer', from: 'position' };
export const rest: Column = { type: 'jsonb', from: 'rest', personal: 'extra' };
/** The rest of what an account defines for itself, which says nothing of its customers. */
const restOfDefinition: Column = { type: 'jsonb', from: 'rest' };
const computed = (type: ColumnType, options: Options = {}): Column => ({ type, from: 'computed', ...options });
export const element = (options: Options = {}): Column => ({ type: 'text', from: 'element', ...options });

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
    communications: computed('integer'),
    customer_communications: computed('integer'),
    agent_communications: computed('integer'),
    ai_agent_communications: computed('integer'),
    words: computed('integer', { needs: 'texts' }),
    turns: computed('integer'),
    first_communication_at: computed('timestamptz'),
    last_communication_at: computed('timestamptz'),
    first_response_seconds: computed('double precision'),
    first_response_participant_id: computed('text'),
    first_response_type: computed('text'),
    first_response_name: computed('text', { personal: 'names' }),
    first_response_address: computed('text', { personal: 'addresses' }),
    person_response_seconds: computed('double precision'),
    longest_wait_seconds: computed('double precision'),
    is_handed_over: computed('boolean'),
    is_contained: computed('boolean'),
    is_unanswered: computed('boolean'),
    participants: computed('integer'),
    customer_name: computed('text', { personal: 'names' }),
    customer_address: computed('text', { personal: 'addresses' }),
    agent_name: computed('text', { personal: 'names' }),
    agent_address: computed('text', { personal: 'addresses' }),
    agent_type: computed('text'),
    channels: computed('text[]'),
    operator_results: computed('integer'),
  },
  computedIf: 'communications',
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
    address: computed('text', { personal: 'addresses' }),
    communications: computed('integer'),
    words: computed('integer', { needs: 'texts' }),
    first_communication_at: computed('timestamptz'),
    last_communication_at: computed('timestamptz'),
    responses: computed('integer'),
    response_seconds: computed('double precision'),
  },
  computedIf: 'communications',
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
    extra: restOfDefinition,
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
    extra: restOfDefinition,
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

/** The names of a table's computed columns, in order. */
export function computedOf({ columns }: Table): string[] {
  return Object.keys(columns).filter((name) => columns[name]?.from === 'computed');
}

/** The columns that say which parent a row belongs to. An object with the array speaks of all rows that share them. */
export function scopeOf({ key, parent }: Table): string[] {
  return parent === undefined ? [] : key.slice(0, parent.table.key.length);
}
