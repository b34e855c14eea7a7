// Parsed JSON in; pages, items, details and operator results out. Only what the program relies on is checked and typed:
// ids and times. The rest stays in `raw`, the parsed object itself, not a copy. Items of a page are decoded one by one,
// so that a bad one does not spoil the others. Reasons name fields and what is wrong with them, never their values.

import * as z from 'zod';
import { isJsonObject, type Json, type JsonObject } from '../lib/json.ts';
import { parseTimestamp, type Timestamp, timestampOf } from '../lib/timestamp.ts';
import { BadAnswer } from './errors.ts';

/** A conversation as the list has it. */
export interface ListItem {
  id: string;
  createdAt: Timestamp;
  updatedAt: Timestamp | null;
  raw: JsonObject;
}

/** An item that cannot be used; `id` is null if it has none that can be stored. */
export interface BadItem {
  id: string | null;
  raw: Json;
  reason: string;
}

export interface Page {
  items: ListItem[];
  bad: BadItem[];
  /** null on the last page. */
  nextToken: string | null;
}

export interface Participant {
  id: string;
  raw: JsonObject;
}

export interface Communication {
  id: string;
  createdAt: Timestamp | null;
  raw: JsonObject;
}

/** A conversation as its detail has it; an array that is absent or null in the answer is null. */
export interface Detail {
  id: string;
  createdAt: Timestamp;
  updatedAt: Timestamp | null;
  participants: Participant[] | null;
  communications: Communication[] | null;
  raw: JsonObject;
}

/** An operator result, the same in a list and alone. */
export interface OperatorResult {
  id: string;
  conversationId: string;
  dateCreated: Timestamp;
  raw: JsonObject;
}

export interface ResultPage {
  items: OperatorResult[];
  bad: BadItem[];
  /** null on the last page. */
  nextToken: string | null;
  /** The length of its JSON. */
  bytes: number;
}

/** An operator, or an intelligence configuration. */
export interface Named {
  id: string;
  raw: JsonObject;
}

export interface NamePage {
  items: Named[];
  bad: BadItem[];
  /** null on the last page. */
  nextToken: string | null;
}

// zod checks the shape only: it is fast as long as it need not transform anything. Times are made canonical afterwards.
const optionalTime = z.string().nullish();

// Postgres can store neither, and an altered id would be that of another conversation.
const storable = (id: string) => !id.includes('\u0000') && id.isWellFormed();
const key = z.string().min(1, 'is empty').refine(storable, 'holds U+0000 or a lone surrogate');
const childId = z.string().min(1, 'is empty');

const conversation = z.object({ id: key, createdAt: z.string(), updatedAt: optionalTime });
const detail = conversation.extend({
  participants: z.array(z.object({ id: childId })).nullish(),
  communications: z.array(z.object({ id: childId, createdAt: optionalTime })).nullish(),
});
const result = z.object({ id: key, conversationId: key, dateCreated: z.string() });
const named = z.object({ id: key });
// A token is sent back as it came; some servers use a number.
const token = z.union([z.string(), z.int()], 'expected string');
const page = z.object({
  items: z.array(z.unknown()),
  meta: z.object({ nextToken: token.nullish() }).nullish(),
});

/** Decodes a page of conversations. Throws BadAnswer if it is not a page; a bad item is in `bad`, not thrown. */
export function decodePage(tried: string, json: Json): Page {
  return decodeItems(tried, json, decodeItem);
}

/** Decodes a page of operator results, in the same way; `bytes` is the length of its JSON. */
export function decodeResults(tried: string, json: Json, bytes: number): ResultPage {
  return { ...decodeItems(tried, json, decodeResultItem), bytes };
}

/** Decodes a page of operators or intelligence configurations, in the same way. */
export function decodeNames(tried: string, json: Json): NamePage {
  return decodeItems(tried, json, (raw): Named | Issues => {
    const parsed = named.safeParse(raw);
    return parsed.success ? { id: parsed.data.id, raw: raw as JsonObject } : { issues: issuesOf(parsed.error) };
  });
}

/** Decodes an operator result that was asked for by its id. Throws BadAnswer if a field that the program needs is missing, or if it is not the result `id`. */
export function decodeResult(tried: string, id: string, json: Json): OperatorResult {
  const result = decodeResultItem(json);
  if ('issues' in result) throw new BadAnswer(tried, result.issues);
  if (result.id !== id) throw new BadAnswer(tried, ['id: is not the one that was asked for']);
  return result;
}

/** The filters that the server ignored: a result of the page has another value. A field that is null or absent tells nothing. */
export function ignoredFilters(
  { items, bad }: Pick<ResultPage, 'items' | 'bad'>,
  asked: readonly (readonly [name: string, value: string])[],
): string[] {
  const shown: Record<string, (raw: JsonObject) => Json | undefined> = {
    conversationId: (raw) => raw['conversationId'],
    operatorId: (raw) => idIn(raw['operator']),
    intelligenceConfigurationId: (raw) => idIn(raw['intelligenceConfiguration']),
  };
  const raws = [...items, ...bad].map(({ raw }) => raw).filter(isJsonObject);
  return asked.flatMap(([name, value]) => {
    const isOther = (raw: JsonObject) => {
      const id = shown[name]?.(raw);
      return typeof id === 'string' && id !== value;
    };
    return raws.some(isOther) ? [name] : [];
  });
}

/** Decodes a detail answer. Throws BadAnswer if a field that the program needs is missing or unreadable, or if it is not the conversation `id`. */
export function decodeDetail(tried: string, id: string, json: Json): Detail {
  const parsed = detail.safeParse(json);
  if (!parsed.success) throw new BadAnswer(tried, issuesOf(parsed.error));
  const { data } = parsed;
  if (data.id !== id) throw new BadAnswer(tried, ['id: is not the one that was asked for']);
  const raw = json as JsonObject & { participants: JsonObject[]; communications: JsonObject[] };
  const times = createTimes();
  const read: Detail = {
    id,
    createdAt: times.read('createdAt', data.createdAt),
    updatedAt: times.readOptional('updatedAt', data.updatedAt),
    participants:
      data.participants?.map((child, at) => ({ id: child.id, raw: raw.participants[at] as JsonObject })) ?? null,
    communications:
      data.communications?.map((child, at) => ({
        id: child.id,
        createdAt: times.readOptional('communications', child.createdAt, at),
        raw: raw.communications[at] as JsonObject,
      })) ?? null,
    raw,
  };
  if (times.issues.length > 0) throw new BadAnswer(tried, times.issues);
  return read;
}

/** What is wrong with an item. */
interface Issues {
  issues: string[];
}

function decodeItems<Item extends object>(tried: string, json: Json, decode: (raw: Json) => Item | Issues) {
  const parsed = page.safeParse(json);
  if (!parsed.success) throw new BadAnswer(tried, issuesOf(parsed.error));
  const items: Item[] = [];
  const bad: BadItem[] = [];
  for (const raw of parsed.data.items as Json[]) {
    const item = decode(raw);
    if (isBad(item)) bad.push({ id: idOf(raw), raw, reason: item.issues.join('; ') });
    else items.push(item);
  }
  // An empty token counts as none: sent back, it would ask for the first page again.
  return { items, bad, nextToken: String(parsed.data.meta?.nextToken ?? '') || null };
}

const isBad = (item: object | Issues): item is Issues => 'issues' in item;

function decodeResultItem(raw: Json): OperatorResult | Issues {
  const parsed = result.safeParse(raw);
  if (!parsed.success) return { issues: issuesOf(parsed.error) };
  const { id, conversationId, dateCreated } = parsed.data;
  const at = parseTimestamp(dateCreated);
  if (at === undefined) return { issues: ['dateCreated: is not an RFC 3339 time'] };
  return { id, conversationId, dateCreated: at, raw: raw as JsonObject };
}

function decodeItem(raw: Json): ListItem | Issues {
  const parsed = conversation.safeParse(raw);
  if (!parsed.success) return { issues: issuesOf(parsed.error) };
  const times = createTimes();
  const createdAt = times.read('createdAt', parsed.data.createdAt);
  const updatedAt = times.readOptional('updatedAt', parsed.data.updatedAt);
  if (times.issues.length > 0) return { issues: times.issues };
  return { id: parsed.data.id, createdAt, updatedAt, raw: raw as JsonObject };
}

/** Reads times and collects what is wrong with them. If there is an issue, the results must not be used. */
function createTimes() {
  const issues: string[] = [];
  const read = (field: string, text: string, at?: number): Timestamp => {
    const timestamp = parseTimestamp(text);
    if (timestamp === undefined)
      issues.push(`${field}${at === undefined ? '' : `.${at}.createdAt`}: is not an RFC 3339 time`);
    return timestamp ?? placeholder;
  };
  const readOptional = (field: string, text: string | null | undefined, at?: number) =>
    text === null || text === undefined ? null : read(field, text, at);
  return { issues, read, readOptional };
}

const placeholder = timestampOf(0);

/** The id of a bad item; null if it has none that can be stored. */
function idOf(raw: Json): string | null {
  const id = idIn(raw);
  return key.safeParse(id).success ? String(id) : null;
}

const idIn = (value: Json | undefined) => (isJsonObject(value) ? value['id'] : undefined);

function issuesOf(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join('.') || 'answer'}: ${wrong(issue)}`);
}

// zod's own messages say "Invalid input: expected string, received undefined": types, not values.
function wrong(issue: z.core.$ZodIssue): string {
  return issue.message.replace(/^Invalid input: /, '');
}
