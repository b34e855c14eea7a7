// Parsed JSON in; pages, items and details out, with exactly what the program relies on checked and typed: ids and
// times. All else is left in `raw`, the very object that was parsed, never a copy. Items of a page are decoded one by
// one, so that a bad one is one bad one. Reasons name fields and what was wrong with them, never their values.

import * as z from 'zod';
import { isJsonObject, type Json, type JsonObject } from '../lib/json.ts';
import { parseTimestamp, type Timestamp } from '../lib/timestamp.ts';
import { BadAnswer } from './errors.ts';

/** A conversation as a page shows it. */
export interface ListItem {
  id: string;
  createdAt: Timestamp;
  updatedAt: Timestamp | null;
  raw: JsonObject;
}

/** An item that cannot be used; `id` is null where it has none that could be stored. */
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

/** A conversation as its detail shows it; an array that the answer lacks, or has as null, is null. */
export interface Detail {
  id: string;
  createdAt: Timestamp;
  updatedAt: Timestamp | null;
  participants: Participant[] | null;
  communications: Communication[] | null;
  raw: JsonObject;
}

const time = z.string().transform((text, context): Timestamp => {
  const timestamp = parseTimestamp(text);
  if (timestamp !== undefined) return timestamp;
  context.issues.push({ code: 'custom', message: 'is not an RFC 3339 time', input: '' });
  return z.NEVER;
});
const optionalTime = time.nullish().transform((timestamp) => timestamp ?? null);

// Postgres holds neither, and an id altered on its way there would be another conversation's.
const storable = (id: string) => !id.includes('\u0000') && id.isWellFormed();
const conversationId = z.string().min(1, 'is empty').refine(storable, 'holds U+0000 or a lone surrogate');
const childId = z.string().min(1, 'is empty');

const conversation = z.object({ id: conversationId, createdAt: time, updatedAt: optionalTime });
const detail = conversation.extend({
  participants: z.array(z.object({ id: childId })).nullish(),
  communications: z.array(z.object({ id: childId, createdAt: optionalTime })).nullish(),
});
const page = z.object({
  items: z.array(z.unknown()),
  meta: z.object({ nextToken: z.string().nullish() }).nullish(),
});

/** Decodes a list answer. Throws BadAnswer where it is not a page at all; a bad item is in `bad`, not thrown. */
export function decodePage(tried: string, json: Json): Page {
  const parsed = page.safeParse(json);
  if (!parsed.success) throw new BadAnswer(tried, issuesOf(parsed.error));
  const items: ListItem[] = [];
  const bad: BadItem[] = [];
  for (const raw of parsed.data.items as Json[]) {
    const item = conversation.safeParse(raw);
    if (item.success) items.push({ ...item.data, raw: raw as JsonObject });
    else bad.push({ id: idOf(raw), raw, reason: issuesOf(item.error).join('; ') });
  }
  // An empty token is taken for none: sent back, it would ask for the first page again.
  return { items, bad, nextToken: parsed.data.meta?.nextToken || null };
}

/** Decodes a detail answer. Throws BadAnswer where a field that the program needs is missing or unreadable, or where it is not the conversation `id`. */
export function decodeDetail(tried: string, id: string, json: Json): Detail {
  const parsed = detail.safeParse(json);
  if (!parsed.success) throw new BadAnswer(tried, issuesOf(parsed.error));
  const { participants, communications, ...own } = parsed.data;
  if (own.id !== id) throw new BadAnswer(tried, ['id: is not the one that was asked for']);
  const raw = json as JsonObject & { participants: JsonObject[]; communications: JsonObject[] };
  return {
    ...own,
    participants: withRaw(participants, raw.participants),
    communications: withRaw(communications, raw.communications),
    raw,
  };
}

function withRaw<Child extends object>(children: Child[] | null | undefined, raw: JsonObject[]) {
  if (children === null || children === undefined) return null;
  return children.map((child, at) => ({ ...child, raw: raw[at] as JsonObject }));
}

function idOf(raw: Json): string | null {
  if (!isJsonObject(raw)) return null;
  const { id } = raw;
  return conversationId.safeParse(id).success ? String(id) : null;
}

function issuesOf(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join('.') || 'answer'}: ${wrong(issue)}`);
}

// zod's own messages say "Invalid input: expected string, received undefined": types, not values.
function wrong(issue: z.core.$ZodIssue): string {
  return issue.message.replace(/^Invalid input: /, '');
}
