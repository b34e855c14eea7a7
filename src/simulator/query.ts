// The parameters of a list request: text in, a validated query out, or a Refusal with status 400. Switches decide what the
// reference leaves open; the time of the listing is an argument.

import { day } from '../lib/duration.ts';
import { parseTimestamp, secondsOf, type Timestamp, timestampOf } from '../lib/timestamp.ts';
import { badRequest } from './refusal.ts';
import type { Switches } from './switches.ts';

export interface PageQuery {
  pageSize: number;
  pageToken: string | undefined;
  /** All filters as one text, independent of their order: a page token is bound to it. */
  filters: string;
}

export interface ConversationQuery extends PageQuery {
  before: Timestamp | undefined;
  after: Timestamp | undefined;
  status: string | undefined;
  channelId: string | undefined;
  conversationConfigurationId: string | undefined;
  channels: readonly string[];
  intelligenceConfigurationIds: readonly string[];
  operatorIds: readonly string[];
}

export interface ResultQuery extends PageQuery {
  conversationId: string | undefined;
  intelligenceConfigurationId: string | undefined;
  operatorId: string | undefined;
}

/** The longest range between the two bounds in the reference, in seconds. */
export const maxRangeSeconds = 31 * day;

const pageNames = ['pageSize', 'pageToken'];
const filterNames = ['status', 'channelId', 'channels', 'conversationConfigurationId'];
const idFilterNames = ['intelligenceConfigurationIds', 'operatorIds'];
const resultNames = ['conversationId', 'intelligenceConfigurationId', 'operatorId'];
const statuses = ['ACTIVE', 'INACTIVE', 'CLOSED'];
const documentedChannels = ['VOICE', 'SMS', 'RCS', 'EMAIL', 'WHATSAPP', 'CHAT', 'API', 'SYSTEM'];
const boundNames = {
  createdAt: ['createdAtBefore', 'createdAtAfter'],
  createdBefore: ['createdBefore'],
  both: ['createdAtBefore', 'createdAtAfter', 'createdBefore'],
  none: [],
} as const;

/** Reads the parameters of `GET /v3/Conversations`; throws a Refusal. `startedMs` is when the listing began; "the last 31 days" end then. */
export function readConversationQuery(
  parameters: URLSearchParams,
  switches: Switches,
  startedMs: number,
): ConversationQuery {
  const bounds: readonly string[] = boundNames[switches.boundNames];
  const known = [...pageNames, ...filterNames, ...idFilterNames, ...bounds];
  if (switches.unknownParameters === 'refused') refuseUnknown(parameters, known);
  const status = single(parameters, 'status');
  const channels = parameters.getAll('channels');
  if (switches.unknownValues === 'refused') {
    if (status !== undefined) refuseOutside('status', [status], statuses);
    refuseOutside('channels', channels, documentedChannels);
  }
  return {
    ...readPage(parameters, known, switches),
    ...readBounds(parameters, bounds, switches, startedMs),
    status,
    channels,
    channelId: single(parameters, 'channelId'),
    conversationConfigurationId: single(parameters, 'conversationConfigurationId'),
    intelligenceConfigurationIds: parameters.getAll('intelligenceConfigurationIds'),
    operatorIds: parameters.getAll('operatorIds'),
  };
}

/** Reads the parameters of `GET /v3/OperatorResults`; throws a Refusal. */
export function readResultQuery(parameters: URLSearchParams, switches: Switches): ResultQuery {
  const known = [...pageNames, ...resultNames];
  if (switches.unknownParameters === 'refused') refuseUnknown(parameters, known);
  const page = readPage(parameters, known, switches);
  const conversationId = single(parameters, 'conversationId');
  if (conversationId === undefined && switches.resultsOfAll === 'refused')
    throw badRequest('conversationId is required');
  const honoured = (name: string, value: string | undefined) =>
    (switches.ignoredResultFilters as readonly string[]).includes(name) ? undefined : value;
  return {
    ...page,
    conversationId: honoured('conversationId', conversationId),
    intelligenceConfigurationId: honoured(
      'intelligenceConfigurationId',
      single(parameters, 'intelligenceConfigurationId'),
    ),
    operatorId: honoured('operatorId', single(parameters, 'operatorId')),
  };
}

/** Reads the parameters of a list of names; throws a Refusal. */
export function readNameQuery(parameters: URLSearchParams, switches: Switches): PageQuery {
  if (switches.unknownParameters === 'refused') refuseUnknown(parameters, pageNames);
  return readPage(parameters, pageNames, switches);
}

function readPage(parameters: URLSearchParams, known: readonly string[], { largestPageSize }: Switches): PageQuery {
  const text = single(parameters, 'pageSize') ?? '50';
  const pageSize = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (pageSize < 1 || pageSize > largestPageSize)
    throw badRequest(`pageSize must be a whole number from 1 to ${largestPageSize}, not '${text}'`);
  const filters = known
    .filter((name) => !pageNames.includes(name) && parameters.has(name))
    .map((name) => `${name}=${JSON.stringify(parameters.getAll(name).sort())}`);
  return { pageSize, pageToken: single(parameters, 'pageToken'), filters: filters.sort().join('&') };
}

function readBounds(
  parameters: URLSearchParams,
  known: readonly string[],
  switches: Switches,
  startedMs: number,
): Pick<ConversationQuery, 'before' | 'after'> {
  const read = (name: string) => (known.includes(name) ? readBound(parameters, name, switches) : undefined);
  const pairedBefore = read('createdAtBefore');
  const pairedAfter = read('createdAtAfter');
  if (pairedBefore !== undefined && pairedAfter !== undefined) {
    const seconds = secondsOf(pairedBefore) - secondsOf(pairedAfter);
    if (seconds > maxRangeSeconds) throw badRequest('createdAtBefore and createdAtAfter lie more than 31 days apart');
  }
  const before = earliest(switches.boundsHonoured === 'lower' ? undefined : pairedBefore, read('createdBefore'));
  const after = switches.boundsHonoured === 'upper' ? undefined : pairedAfter;
  return withDefaults(before, after, switches, startedMs);
}

function withDefaults(
  before: Timestamp | undefined,
  after: Timestamp | undefined,
  switches: Switches,
  startedMs: number,
): Pick<ConversationQuery, 'before' | 'after'> {
  if (before !== undefined && after === undefined && switches.upperBoundAlone === 'last31Days') {
    return { before, after: timestampOf(secondsOf(before) - maxRangeSeconds) };
  }
  if (before === undefined && after !== undefined && switches.lowerBoundAlone === 'next31Days') {
    return { before: timestampOf(secondsOf(after) + maxRangeSeconds), after };
  }
  if (before === undefined && after === undefined && switches.unbounded === 'last31Days') {
    return { before, after: timestampOf(Math.floor(startedMs / 1000) - maxRangeSeconds) };
  }
  return { before, after };
}

function readBound(parameters: URLSearchParams, name: string, switches: Switches): Timestamp | undefined {
  const text = single(parameters, name);
  if (text === undefined) return undefined;
  const bound = parseTimestamp(text);
  if (bound === undefined) throw badRequest(`${name} must be an ISO 8601 time, not '${text}'`);
  if (switches.fractionalBounds === 'refused' && text.includes('.')) {
    throw badRequest(`${name} must be in whole seconds, not '${text}'`);
  }
  return bound;
}

function single(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name);
  if (values.length > 1) throw badRequest(`${name} may be given once, not ${values.length} times`);
  return values[0];
}

function refuseUnknown(parameters: URLSearchParams, known: readonly string[]): void {
  for (const name of parameters.keys()) {
    if (!known.includes(name)) throw badRequest(`Unknown parameter ${name}`);
  }
}

function refuseOutside(name: string, values: readonly string[], documented: readonly string[]): void {
  const wrong = values.find((value) => !documented.includes(value));
  if (wrong !== undefined) throw badRequest(`${name} must be one of ${documented.join(', ')}, not '${wrong}'`);
}

function earliest(left: Timestamp | undefined, right: Timestamp | undefined): Timestamp | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return left < right ? left : right;
}
