// The server for Twilio's webhooks. It is meant to face the internet: it takes POST and nothing else, refuses what is not signed
// before it reads a body, and writes nothing of a request to the log. Any path is taken for that of the URL that was entered at
// Twilio, since proxies cut prefixes. Whose webhook it is, with several accounts, is told by the end of the path.

import { type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { reasonOf } from '../lib/reason.ts';
import { ListenError } from '../server/listen-error.ts';
import type { Receiver, WebhookOutcome } from './receive.ts';
import { isSignedBody, type Keys, type Refusal, refusalOf, settingsHeader, signatureHeader } from './signature.ts';

/** Where the webhooks of an account come in. */
export interface Hook {
  /** The public URL, exactly as entered at Twilio. */
  url: string;
  keys: Keys & { current?: () => Keys | undefined };
  receiver: Receiver;
  /** Told of each answer to a POST, and why it was refused. */
  onAnswer(outcome: WebhookOutcome, refusal?: Refusal): void;
}

export interface ListenerOptions {
  host: string;
  /** 0 takes a free port. */
  port: number;
  /** Whose webhook a request with this target is: path and query, as they came. */
  hookOf(target: string): Hook;
  /** How long a request may take, from its first byte to its last. */
  requestMs?: number;
}

export interface Listener {
  /** `http://host:port`, with the real port. */
  url: string;
  close(): Promise<void>;
}

const bodyLimitBytes = 1_048_576;
/** Of all bodies that are being read. A body of which the length is not said counts as the largest. */
const readingLimitBytes = 32 * bodyLimitBytes;
const mostConnections = 1_000;
const rereadEveryMs = 1_000;

const statusOf: Record<WebhookOutcome, number> = {
  taken: 204,
  repeated: 204,
  unknown: 204,
  other_account: 204,
  refused: 403,
  unavailable: 503,
};

/** Starts to listen. @throws ListenError. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { host, port, hookOf, requestMs = 10_000 } = options;
  const check = createCheck();
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestMs,
    // Whether a request takes too long is looked at that often.
    http: { connectionsCheckingInterval: Math.min(1_000, requestMs), headersTimeout: requestMs },
    // One route for every path, also for one that is no path.
    rewriteUrl: () => '/',
    exposeHeadRoutes: false,
  });
  app.server.maxConnections = mostConnections;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  const reading = new Map<FastifyRequest['raw'], number>();
  const readingBytes = () => reading.values().reduce((sum, bytes) => sum + bytes, 0);

  const hookFor = (request: FastifyRequest) => hookOf(targetOf(request));
  const refuse = ({ onAnswer }: Hook, refusal: Refusal) => {
    onAnswer('refused', refusal);
    return { error: `refused: ${refusal}` };
  };
  app.addHook('onRequest', async (request, reply) => {
    if (request.method !== 'POST') return await answerOther(targetOf(request), reply);
    const hook = hookFor(request);
    const refusal = check(request, hook);
    const bytes = Math.min(Number(request.headers['content-length'] ?? bodyLimitBytes), bodyLimitBytes);
    if (refusal === null && readingBytes() + bytes <= readingLimitBytes) {
      reading.set(request.raw, bytes);
      reply.raw.once('close', () => reading.delete(request.raw));
      return;
    }
    // The body is not read: the connection ends with the answer.
    reply.header('connection', 'close');
    if (refusal !== null) return await reply.status(403).send(refuse(hook, refusal));
    hook.onAnswer('unavailable');
    return await reply.status(503).send({ error: 'too many at once' });
  });
  app.post('/', async (request, reply) => {
    reading.delete(request.raw);
    const hook = hookFor(request);
    const body = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
    if (!isSignedBody(targetOf(request), body)) return await reply.status(403).send(refuse(hook, 'body'));
    const outcome = await hook.receiver.receive(body);
    hook.onAnswer(outcome);
    return await reply.status(statusOf[outcome]).send();
  });
  // A body that is too large, or ends early. Not a word of it is passed on.
  app.setErrorHandler((error, request, reply) => {
    const hook = hookFor(request);
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
    if (status >= 500) hook.onAnswer('unavailable');
    reply.header('connection', 'close').status(status);
    return reply.send(status >= 500 ? { error: 'internal error' } : refuse(hook, 'body'));
  });

  try {
    return { url: await app.listen({ host, port }), close: () => app.close() };
  } catch (error) {
    throw new ListenError(`WEBHOOK_HOST and WEBHOOK_PORT: ${host}:${port} cannot be listened on (${reasonOf(error)})`, {
      cause: error,
    });
  }
}

/** The request's target as it came: only its query is used. */
const targetOf = (request: FastifyRequest) => request.originalUrl;

/** Makes the check of signatures. Keys in files are read anew when one does not match, at most once a second for each account. */
function createCheck(): (request: FastifyRequest, hook: Hook) => Refusal | null {
  const latest = new WeakMap<Hook, { keys: Keys; readAtMs: number }>();
  return (request, hook) => {
    const { current, ...given } = hook.keys;
    const { keys, readAtMs } = latest.get(hook) ?? { keys: given, readAtMs: Number.NEGATIVE_INFINITY };
    const one = (name: string) => {
      const value = request.headers[name];
      return typeof value === 'string' ? value : undefined;
    };
    const signed = {
      url: hook.url,
      target: targetOf(request),
      signature: one(signatureHeader),
      settings: one(settingsHeader),
    };
    const refusal = refusalOf(signed, keys);
    if (refusal === null || refusal === 'unsigned' || current === undefined) return refusal;
    if (performance.now() - readAtMs < rereadEveryMs) return refusal;
    const reread = current() ?? keys;
    latest.set(hook, { keys: reread, readAtMs: performance.now() });
    return refusalOf(signed, reread);
  };
}

/** What is no POST gets 404 where a browser or a scanner looks for something, else 405. */
async function answerOther(target: string, reply: FastifyReply): Promise<unknown> {
  const [path = ''] = target.split('?');
  reply.header('connection', 'close');
  if (['/', '/metrics', '/livez', '/readyz'].includes(path))
    return await reply.status(404).send({ error: 'not found' });
  return await reply.status(405).header('allow', 'POST').send({ error: 'only POST' });
}
