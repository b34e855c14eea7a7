// An entry of the accounts file in, environment variables out: each name in it stands for a setting, and is checked as that
// setting. Pure. What is wrong is collected, in the entry's own names; no message holds a secret.

import { closest } from '../lib/closest.ts';
import { type SettingName, settings } from './settings.ts';

/** What an entry can say. Those with a dot are within an object of the name before it. */
export const entryNames = {
  accountSid: 'TWILIO_ACCOUNT_SID',
  apiKey: 'TWILIO_API_KEY',
  apiSecret: 'TWILIO_API_SECRET',
  authToken: 'TWILIO_AUTH_TOKEN',
  edge: 'TWILIO_EDGE',
  region: 'TWILIO_REGION',
  url: 'TWILIO_INTELLIGENCE_URL',
  createdFilter: 'TWILIO_CREATED_FILTER',
  maxConcurrency: 'SYNC_MAX_CONCURRENCY',
  schema: 'SYNC_SCHEMA',
  start: 'SYNC_START',
  schedule: 'SYNC_SCHEDULE',
  lookback: 'SYNC_LOOKBACK',
  lookbackSchedule: 'LOOKBACK_SCHEDULE',
  reconcileSchedule: 'RECONCILE_SCHEDULE',
  operatorResults: 'SYNC_OPERATOR_RESULTS',
  refresh: 'SYNC_REFRESH',
  omit: 'SYNC_OMIT',
  hash: 'SYNC_HASH',
  hashKey: 'SYNC_HASH_KEY',
  retention: 'SYNC_RETENTION',
  deleted: 'SYNC_DELETED',
  reread: 'SYNC_REREAD',
  notify: 'SYNC_NOTIFY',
  'filters.status': 'SYNC_STATUS',
  'filters.channels': 'SYNC_CHANNELS',
  'filters.channelId': 'SYNC_CHANNEL_ID',
  'filters.conversationConfigurationId': 'SYNC_CONVERSATION_CONFIGURATION_ID',
  'filters.intelligenceConfigurationIds': 'SYNC_INTELLIGENCE_CONFIGURATION_IDS',
  'filters.operatorIds': 'SYNC_OPERATOR_IDS',
  webhookAuthToken: 'WEBHOOK_AUTH_TOKEN',
  webhookSharedKey: 'WEBHOOK_SHARED_KEY',
} as const satisfies Record<string, SettingName>;

/** Settings that prove who somebody is: the environment gives no account another one's. */
export const credentials = [
  'TWILIO_ACCOUNT_SID',
  'TWILIO_API_KEY',
  'TWILIO_API_SECRET',
  'TWILIO_AUTH_TOKEN',
  'WEBHOOK_AUTH_TOKEN',
  'WEBHOOK_SHARED_KEY',
] as const satisfies SettingName[];

const lists = new Set<string>([
  'SYNC_REFRESH',
  'SYNC_OMIT',
  'SYNC_HASH',
  'SYNC_CHANNELS',
  'SYNC_INTELLIGENCE_CONFIGURATION_IDS',
  'SYNC_OPERATOR_IDS',
]);

/** Each name of an entry, and the variable it stands for: `apiSecretFile` is TWILIO_API_SECRET_FILE. */
const variables = new Map<string, string>();
/** The variables that hold the same secret: an entry that gives one of them takes the place of both. */
const partners = new Map<string, string>();
for (const [name, setting] of Object.entries(entryNames)) {
  variables.set(name, setting);
  if (!settings.get(setting)?.secret) continue;
  variables.set(`${name}File`, `${setting}_FILE`);
  partners.set(setting, `${setting}_FILE`).set(`${setting}_FILE`, setting);
}
const namesOfVariables = new Map([...variables].map(([name, variable]) => [variable, name]));

/** A text in the names of an entry, where it names settings that the environment does not set. */
export function inEntryNames(text: string, isFromEnvironment: (variable: string) => boolean): string {
  return text.replace(/\b[A-Z]+(_[A-Z]+)+\b/g, (variable) =>
    isFromEnvironment(variable) ? variable : (namesOfVariables.get(variable) ?? variable),
  );
}

export interface EntryRead {
  /** What the entry sets; undefined where it is to be as if nothing were set. */
  variables: Map<string, string | undefined>;
  problems: { setting: string; message: string }[];
}

/** Reads an entry. Values are checked for their form only: which ones are allowed is said by the settings they stand for. */
export function readEntry(entry: unknown): EntryRead {
  const read: EntryRead = { variables: new Map(), problems: [] };
  const report = (setting: string, message: string) => read.problems.push({ setting, message });
  if (!isObject(entry)) report('', 'it takes an object');
  for (const [name, value] of isObject(entry) ? membersOf(entry, report) : []) {
    const variable = variables.get(name);
    if (variable === undefined) report(name, `${name} is not known${suggest(name)}`);
    else {
      const text = textOf(value, lists.has(variable));
      if (text !== undefined) read.variables.set(variable, text ?? undefined);
      else report(name, `${name} takes ${takes(variable)}, not ${kindOf(value)}`);
    }
  }
  for (const variable of [...read.variables.keys()]) {
    const partner = partners.get(variable);
    if (partner !== undefined && !read.variables.has(partner)) read.variables.set(partner, undefined);
  }
  return read;
}

/** Every secret that the accounts file has in it; none where it is no JSON. */
export function secretsWithin(text: string): string[] {
  try {
    const { accounts } = JSON.parse(text);
    return [accounts].flat().flatMap((entry) => {
      const { variables } = readEntry(entry);
      return [...variables].flatMap(([variable, secret]) =>
        secret !== undefined && partners.has(variable) && !variable.endsWith('_FILE') ? [secret] : [],
      );
    });
  } catch {
    return [];
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function membersOf(entry: Record<string, unknown>, report: (name: string, message: string) => void) {
  return Object.entries(entry).flatMap(([name, value]): [string, unknown][] => {
    if (name !== 'filters') return [[name, value]];
    if (isObject(value)) return Object.entries(value).map(([inner, each]) => [`filters.${inner}`, each]);
    report(name, `filters takes an object, not ${kindOf(value)}`);
    return [];
  });
}

/** As the environment would have it; null where it unsets the environment's; undefined where it has no such form. */
function textOf(value: unknown, isList: boolean): string | null | undefined {
  if (value === null) return null;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (!isList || !Array.isArray(value) || value.length === 0) return undefined;
  return value.every((each) => typeof each === 'string' && /^[^,]+$/.test(each)) ? value.join(',') : undefined;
}

function takes(variable: string): string {
  return settings.get(variable as SettingName)?.takes ?? 'a path';
}

function kindOf(value: unknown): string {
  if (value === '' || (Array.isArray(value) && value.length === 0)) return 'an empty value';
  if (Array.isArray(value)) return 'this list';
  return isObject(value) ? 'an object' : String(value);
}

function suggest(name: string): string {
  const elsewhere = name.startsWith('filters.') ? name.slice('filters.'.length) : `filters.${name}`;
  const meant = namesOfVariables.get(name) ?? (variables.has(elsewhere) ? elsewhere : closest(name, variables.keys()));
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}
