// Whether webhooks arrive: a request that nobody has signed, and one that is signed as Twilio would, are sent to WEBHOOK_URL, and what
// comes back tells which server answers there, and what it makes of the signature. The signed one announces nothing.

import { randomBytes } from 'node:crypto';
import type { WebhookConfig } from '../config/webhook.ts';
import { isJsonObject, type Json } from '../lib/json.ts';
import { reasonOf } from '../lib/reason.ts';
import { settingsHeader, sign, signatureHeader, urlWithHash } from '../webhooks/signature.ts';
import { type Finding, fail, ok, temporary, warn } from './finding.ts';

const check = 'webhook';
const answerMs = 15_000;

export interface WebhookChecks {
  webhook: WebhookConfig;
  signal: AbortSignal;
}

/** Sends the requests and judges the answers. @throws only the signal's reason. */
export async function* checkWebhook({ webhook, signal }: WebhookChecks): AsyncGenerator<Finding> {
  const { url, port, authToken, sharedKey } = webhook;
  if (url === undefined) {
    yield fail(check, 'WEBHOOK_URL is not set', 'Set it to the URL that is entered at Twilio.');
    return;
  }
  if (!authToken && !sharedKey) {
    yield fail(check, 'there is no key to sign with', 'Set WEBHOOK_AUTH_TOKEN to the primary auth token.');
    return;
  }
  if (port === undefined) yield warn(check, 'WEBHOOK_PORT is not set here', 'Without it, `run` takes no webhooks.');
  const body = JSON.stringify({ doctor: randomBytes(8).toString('hex') });
  try {
    const unsigned = await send(url, body, {}, signal);
    if (unsigned.refusal !== 'unsigned') {
      yield judgeStranger(unsigned);
      return;
    }
    if (authToken) yield judgeSigned(await send(url, body, signedBy(url, body, authToken), signal), 'auth token');
    if (sharedKey)
      yield judgeSigned(await send(url, body, signedBy(url, body, undefined, sharedKey), signal), 'shared key');
  } catch (error) {
    signal.throwIfAborted();
    yield temporary(
      check,
      `WEBHOOK_URL cannot be reached from here (${reasonOf(error)})`,
      'See that `run` is running with WEBHOOK_PORT, and that the name, the proxy or tunnel and its certificate lead there.',
    );
  }
}

interface Answer {
  status: number;
  /** Why the listener refused it; null if somebody else answered, or it was not refused. */
  refusal: string | null;
}

function signedBy(url: string, body: string, token: string | undefined, sharedKey = ''): Record<string, string> {
  const called = urlWithHash(url, Buffer.from(body));
  if (token !== undefined) return { [signatureHeader]: sign(token, called) };
  return { [signatureHeader]: sign(sharedKey, called, 'sha256'), [settingsHeader]: 'key=doctor,algorithm=HMAC_SHA256' };
}

async function send(url: string, body: string, headers: Record<string, string>, signal: AbortSignal): Promise<Answer> {
  const answer = await fetch(urlWithHash(url, Buffer.from(body)), {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
    redirect: 'manual',
    signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
  });
  const text = (await answer.text()).slice(0, 1_000);
  return { status: answer.status, refusal: answer.status === 403 ? refusalIn(text) : null };
}

function refusalIn(text: string): string | null {
  try {
    const json = JSON.parse(text) as Json;
    const error = isJsonObject(json) ? json['error'] : undefined;
    return typeof error === 'string' ? (/^refused: ([a-z]+)$/.exec(error)?.[1] ?? null) : null;
  } catch {
    return null;
  }
}

/** Somebody else answers at the URL, or something is in between. */
function judgeStranger({ status }: Answer): Finding {
  const found = `another server answers at WEBHOOK_URL: status ${status}`;
  if (status === 503 || status === 502 || status === 504)
    return temporary(
      check,
      `${found}, as a proxy does that reaches nobody`,
      'See that `run` is running with WEBHOOK_PORT, and that the proxy leads there.',
    );
  if (status === 404 || status === 405)
    return fail(check, found, 'See that the proxy passes POST on to WEBHOOK_PORT, not to HTTP_PORT.');
  if (status >= 300 && status < 400)
    return fail(
      check,
      `${found}, a redirect`,
      'Twilio signs the URL that is entered: enter the one that it redirects to.',
    );
  return fail(
    check,
    found,
    'See that the proxy passes POST on to WEBHOOK_PORT, as it comes, without a login of its own.',
  );
}

function judgeSigned({ status, refusal }: Answer, key: string): Finding {
  if (status === 204) return ok(check, `a request signed with the ${key} arrived through WEBHOOK_URL and was accepted`);
  const todos: Record<string, [found: string, todo: string]> = {
    unsigned: ['the signature got lost on the way', 'See that the proxy passes the header X-Twilio-Signature on.'],
    key: [`the worker has no ${key}`, 'Give the worker the same settings as this command.'],
    signature: [
      `the worker does not accept the ${key}`,
      'Give the worker the same WEBHOOK_URL and key as this command, and see that the proxy passes the query on as it comes.',
    ],
    body: ['the body was changed on the way', 'See that the proxy passes the body on as it comes.'],
  };
  const known = todos[refusal ?? ''];
  if (known !== undefined) return fail(check, ...known);
  return temporary(check, `the worker answered with status ${status}`, 'See its log, and try again.');
}
