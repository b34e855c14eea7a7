// Whether a conversation belongs to what is synced: the filters and the start of history, held against its detail. The API's lists
// are filtered by the API; this is for conversations that no listing has shown. Pure.

import { secondsOf } from '../lib/timestamp.ts';
import type { Detail } from '../twilio/decode.ts';

/** The filters as they are set; undefined where one is not. */
export interface Filters {
  status: string | undefined;
  channels: string[] | undefined;
  channelId: string | undefined;
  conversationConfigurationId: string | undefined;
  intelligenceConfigurationIds: string[] | undefined;
  operatorIds: string[] | undefined;
}

/**
 * Whether a listing would show it. A detail does not say which operators have results for it: under a filter of operators, only a
 * listing can tell.
 */
export function isSynced(detail: Detail, { filters, start }: { filters: Filters; start: number }): boolean {
  const { raw } = detail;
  const hasSome = (name: string, wanted: string[] | undefined) => {
    const values = raw[name];
    return wanted === undefined || (Array.isArray(values) && wanted.some((each) => values.includes(each)));
  };
  const is = (name: string, wanted: string | undefined) => wanted === undefined || raw[name] === wanted;
  return (
    secondsOf(detail.createdAt) >= start &&
    filters.operatorIds === undefined &&
    is('status', filters.status) &&
    is('conversationConfigurationId', filters.conversationConfigurationId) &&
    hasSome('channels', filters.channels) &&
    hasSome('channelIds', filters.channelId === undefined ? undefined : [filters.channelId]) &&
    hasSome('intelligenceConfigurationIds', filters.intelligenceConfigurationIds)
  );
}
