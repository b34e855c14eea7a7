// The worker's HTTP server: `/livez` (restart it, or not), `/readyz` (is the copy in sync), and the routes that are passed in:
// metrics, status page. It answers 200 or 503 with JSON. No request can stop the worker.

import { type FastifyInstance, fastify } from 'fastify';
import { reasonOf } from '../lib/reason.ts';
import type { Answer } from '../status/judge.ts';
import type { Log } from '../worker/log.ts';
import { isAllowedHost } from './allowed-host.ts';
import { ListenError } from './listen-error.ts';

export interface HttpOptions {
  host: string;
  /** 0 takes a free port. */
  port: number;
  /** Host names to answer under besides `host`; see isAllowedHost. */
  allowedHosts?: readonly string[];
  log: Log;
  /** What is wrong with the process; undefined if nothing is. See Heartbeat. */
  trouble(): string | undefined;
  /** The answer of `/readyz`. After 3 s without one, the worker counts as not ready. */
  readiness(): Promise<Answer>;
  /** More routes. */
  routes?: readonly ((app: FastifyInstance) => void)[];
}

export interface HttpServer {
  /** `http://host:port`, with the real port. */
  url: string;
  close(): Promise<void>;
}

const readinessLimitMs = 3000;

/** Starts to listen. @throws ListenError. */
export async function openHttpServer({
  host,
  port,
  allowedHosts = [],
  log,
  trouble,
  readiness,
  routes = [],
}: HttpOptions): Promise<HttpServer> {
  // Otherwise a connection that a browser keeps open would delay the shutdown.
  const app = fastify({ logger: false, forceCloseConnections: true });
  app.setErrorHandler((error, request, reply) => {
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
    if (status >= 500) log.error({ err: error, route: request.routeOptions.url }, 'an HTTP request failed');
    return reply.status(status).send({ error: status >= 500 ? 'internal error' : 'bad request' });
  });
  app.setNotFoundHandler((_request, reply) => reply.status(404).send({ error: 'not found' }));
  app.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });

  const allowed = [host, ...allowedHosts];
  app.addHook('onRequest', async (request, reply) => {
    const anybodys = ['/livez', '/readyz'].includes(request.routeOptions.url ?? '');
    if (anybodys || isAllowedHost(request.headers.host, allowed)) return undefined;
    return reply.status(421).send({ error: 'this name is not one to be asked under: add it to HTTP_ALLOWED_HOSTS' });
  });

  app.get('/livez', (_request, reply) => {
    const reason = trouble();
    return reply
      .status(reason === undefined ? 200 : 503)
      .send(reason === undefined ? { live: true } : { live: false, reason });
  });
  app.get('/readyz', async (_request, reply) => {
    const found = await askReadiness(readiness, log);
    return reply.status(found.ready ? 200 : 503).send(found);
  });
  for (const add of routes) add(app);

  try {
    const url = await app.listen({ host, port });
    return { url, close: () => app.close() };
  } catch (cause) {
    await app.close();
    const why = reasonOf(cause) === 'EADDRINUSE' ? 'in use by another program' : `not available (${reasonOf(cause)})`;
    throw new ListenError(`HTTP_HOST and HTTP_PORT: ${host} port ${port} is ${why}`, { cause });
  }
}

async function askReadiness(readiness: HttpOptions['readiness'], log: Log): Promise<Answer> {
  const signal = AbortSignal.timeout(readinessLimitMs);
  const late = new Promise<Answer>((resolve) => {
    signal.addEventListener(
      'abort',
      () => resolve({ ready: false, code: 'database_down', reason: 'no answer in time' }),
      { once: true },
    );
  });
  try {
    return await Promise.race([readiness(), late]);
  } catch (error) {
    log.warn({ err: error }, 'the state is not known');
    return { ready: false, code: 'failing', reason: `the state is not known (${reasonOf(error)})` };
  }
}
