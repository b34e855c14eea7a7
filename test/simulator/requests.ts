// Raw requests to a simulator, as a client without any opinion sends them.

import { request } from 'undici';
import type { Simulator } from '../../src/simulator/server.ts';
import type { WireConversation, WirePage } from '../../src/twilio/wire.ts';

export interface RawAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** The body as JSON; undefined where it is none. */
  json: unknown;
}

/** Sends one GET with the simulator's credentials, or with the header given. */
export async function get(simulator: Simulator, path: string, authorization = basic(simulator)): Promise<RawAnswer> {
  const response = await request(simulator.url + path, { headers: { authorization } });
  const text = await response.body.text();
  return { status: response.statusCode, headers: response.headers, text, json: parse(text) };
}

/** One page of the list. */
export async function list(simulator: Simulator, parameters: Record<string, string> = {}): Promise<WirePage> {
  const answer = await get(simulator, `/v3/Conversations?${new URLSearchParams(parameters)}`);
  if (answer.status !== 200) throw new Error(`The list answered ${answer.status}: ${answer.text}`);
  return answer.json as WirePage;
}

/** Every item of the list, page by page to the last. */
export async function walk(simulator: Simulator, parameters: Record<string, string> = {}): Promise<WireConversation[]> {
  const items: WireConversation[] = [];
  let pageToken: string | null | undefined;
  do {
    const page = await list(simulator, pageToken ? { ...parameters, pageToken } : parameters);
    items.push(...page.items);
    pageToken = page.meta.nextToken;
  } while (pageToken);
  return items;
}

/** The account's own credentials as a header. */
export function basic({ credentials }: Simulator): string {
  return `Basic ${Buffer.from(`${credentials.accountSid}:${credentials.authToken}`).toString('base64')}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
