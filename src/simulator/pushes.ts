// What Twilio would push of a source, as signed webhooks: a status callback for each change of a conversation, and a webhook of a rule
// execution for each operator result. Some may be lost, sent twice, late or in another order, by switches. Deletions are not pushed.

import { createHash, createHmac } from 'node:crypto';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { createRandom } from '../lib/random.ts';
import type { SourceEvent } from './changes.ts';
import type { Source } from './source.ts';

export interface PushSwitches {
  /** The share of webhooks that are never sent. */
  lost: number;
  /** The share that is sent twice. */
  doubled: number;
  /** The longest delay in milliseconds; each webhook has its own, so that they come out of order. */
  lateMs: number;
}

export interface PushesOptions extends Partial<PushSwitches> {
  source: Source;
  /** The URL as it is entered at Twilio: it is signed. */
  url: string;
  /** Where the requests are sent; default the URL. As if a proxy stood between. */
  target?: string;
  authToken: string;
  /** Signs with a shared key and HMAC-SHA256 instead. */
  sharedKey?: string;
  seed?: number;
}

export interface Pushes extends AsyncDisposable {
  /** How many were sent so far, and how many of each status were answered; 0: no answer. */
  readonly sent: number;
  readonly statuses: ReadonlyMap<number, number>;
  /** Sends a body by itself. @returns the status; 0 without an answer. */
  push(body: string): Promise<number>;
  /** Resolves when everything that has happened is pushed. */
  settled(): Promise<void>;
}

/** Pushes what happens to the source from now on. */
export function startPushes(options: PushesOptions): Pushes {
  const { source, lost = 0, doubled = 0, lateMs = 0, seed = 1 } = options;
  const random = createRandom(seed, 0x70_75);
  const statuses = new Map<number, number>();
  const pending = new Set<Promise<void>>();
  const timers = new Set<NodeJS.Timeout>();
  let sent = 0;

  const push = async (body: string): Promise<number> => {
    sent += 1;
    const status = await post(options, body).catch(() => 0);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    return status;
  };
  const later = (body: string) => {
    const sending = new Promise<void>((resolve) => {
      const delayMs = lateMs === 0 ? 0 : random.int(0, lateMs);
      const timer = setTimeout(() => {
        timers.delete(timer);
        push(body).then(() => resolve());
      }, delayMs);
      timers.add(timer);
    }).finally(() => pending.delete(sending));
    pending.add(sending);
  };
  source.onEvent = (event) => {
    if (random.chance(lost)) return;
    const body = bodyOf(event, source);
    later(body);
    if (random.chance(doubled)) later(body);
  };
  const settled = async () => {
    while (pending.size > 0) await Promise.all(pending);
  };
  return {
    get sent() {
      return sent;
    },
    statuses,
    push,
    settled,
    async [Symbol.asyncDispose]() {
      source.onEvent = () => {};
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** A body as Twilio sends it. */
function bodyOf({ type, id, result }: SourceEvent, source: Source): string {
  const { accountId } = source;
  const timestamp = source.stamp();
  if (result !== undefined) {
    const { intelligenceConfiguration, conversationId: _, accountId: __, ...rest } = result;
    return JSON.stringify({ accountId, conversationId: id, intelligenceConfiguration, operatorResults: [rest] });
  }
  const { communications: _, operatorResultIds: __, participants: ___, ...data } = source.find(id) ?? { id };
  return JSON.stringify({ eventType: type, timestamp, data });
}

/** Sends a body, signed. @returns the status. @throws where no answer comes. */
function post({ url, target = url, authToken, sharedKey }: PushesOptions, body: string): Promise<number> {
  const hash = createHash('sha256').update(body).digest('hex');
  const query = `${url.includes('?') ? '&' : '?'}bodySHA256=${hash}`;
  const sign = (algorithm: string, key: string) =>
    createHmac(algorithm, key)
      .update(url + query)
      .digest('base64');
  const headers = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...(sharedKey === undefined
      ? { 'x-twilio-signature': sign('sha1', authToken) }
      : {
          'x-twilio-signature': sign('sha256', sharedKey),
          'x-twilio-webhooks-signature-settings': 'key=KY00000000000000000000000000000000,algorithm=HMAC_SHA256',
        }),
  };
  const own = url.includes('?') ? url.slice(url.indexOf('?')) : '';
  const called = target === url ? url + query : `${target}${own}${query}`;
  const request = called.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sending = request(called, { method: 'POST', headers, timeout: 15_000 }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0)).on('error', reject);
    });
    sending.on('error', reject).on('timeout', () => sending.destroy(new Error('no answer within 15 s')));
    sending.end(body);
  });
}
