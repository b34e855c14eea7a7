// One GET in, one whole answer out, or an error that names what happened; no retry. An attempt is timed as a whole, so
// that an answer that drips for ever ends, and never holds more than `limitBytes`, neither as sent nor decoded. Cut
// bodies are noticed: undici holds Content-Length and the last chunk against what came, zlib the end of its stream.

import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, type ZlibOptions } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { TooLarge, Unreachable, unreachable } from './errors.ts';

export interface Answer {
  status: number;
  date: string | undefined;
  age: string | undefined;
  retryAfter: string | undefined;
  /** The X-RateLimit headers. */
  rateLimit: RateLimit;
  contentType: string | undefined;
  location: string | undefined;
  /** Decoded; of an answer other than 200 at most its first 64 KiB. */
  body: Buffer;
  /** Bytes of the body as sent. */
  wireBytes: number;
}

export interface RateLimit {
  limit: string | undefined;
  remaining: string | undefined;
  reset: string | undefined;
}

export interface Get {
  /** The request in words, for errors: method and URL without its query. */
  tried: string;
  origin: string;
  path: string;
  headers: Record<string, string>;
  timeoutMs: number;
  limitBytes: number;
  signal: AbortSignal;
}

type Headers = Record<string, string | string[] | undefined>;
type Decoder = (body: Buffer, options: ZlibOptions) => Promise<Buffer>;

const decoders: Record<string, Decoder> = {
  gzip: promisify(gunzip) as Decoder,
  'x-gzip': promisify(gunzip) as Decoder,
  deflate: promisify(inflate) as Decoder,
  br: promisify(brotliDecompress) as Decoder,
};

/** What `accept-encoding` may say. */
export const acceptedEncodings = 'gzip, deflate, br';

const errorBodyBytes = 65_536;

/** Sends one GET. Throws Unreachable, TooLarge, or the signal's reason. */
export async function get(dispatcher: Dispatcher, request: Get): Promise<Answer> {
  const { status, headers, chunks, wireBytes } = await receive(dispatcher, request);
  const { date } = headers;
  const sent = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  return {
    status,
    date: one(date),
    age: one(headers['age']),
    retryAfter: one(headers['retry-after']),
    rateLimit: {
      limit: one(headers['x-ratelimit-limit']),
      remaining: one(headers['x-ratelimit-remaining']),
      reset: one(headers['x-ratelimit-reset']),
    },
    contentType: one(headers['content-type']),
    location: one(headers['location']),
    body: await decoded(request, status, one(headers['content-encoding']), sent),
    wireBytes,
  };
}

interface Received {
  status: number;
  headers: Headers;
  chunks: Buffer[];
  wireBytes: number;
}

function receive(dispatcher: Dispatcher, request: Get): Promise<Received> {
  const { origin, path, headers, signal, tried, timeoutMs } = request;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    let sending: Dispatcher.DispatchController | undefined;
    let over = false;
    const finish = (settle: () => void) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    // Rejects at once; a request that is still waiting for its connection is dropped when it gets one.
    const fail = (error: unknown) => {
      finish(() => reject(error));
      sending?.abort(stopped);
    };
    const onAbort = () => fail(signal.reason);
    const timer = setTimeout(() => fail(timedOut(tried, timeoutMs)), timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    const received: Received = { status: 0, headers: {}, chunks: [], wireBytes: 0 };
    dispatcher.dispatch(
      { origin, path, method: 'GET', headers, headersTimeout: 0, bodyTimeout: 0 },
      {
        onRequestStart(controller) {
          sending = controller;
          if (over) controller.abort(stopped);
        },
        onResponseStart(_controller, status, answerHeaders) {
          received.status = status;
          received.headers = answerHeaders;
        },
        onResponseData(controller, chunk) {
          if (over) return;
          received.wireBytes += chunk.length;
          received.chunks.push(chunk);
          if (received.status === 200 && received.wireBytes > request.limitBytes) {
            fail(new TooLarge(tried, request.limitBytes));
          } else if (received.status !== 200 && received.wireBytes > errorBodyBytes) {
            finish(() => resolve(received));
            controller.abort(stopped);
          }
        },
        onResponseEnd() {
          finish(() => resolve(received));
        },
        onResponseError(_controller, error) {
          finish(() =>
            reject(received.status === 0 ? unreachable(tried, error) : cut(tried, received.wireBytes, error)),
          );
        },
      },
    );
  });
}

const stopped = new Error('stopped by the reader');

/** The server was there and had begun: whatever cut it, it may be this one answer's own. */
function cut(tried: string, bytes: number, error: Error): Unreachable {
  const { code, cause } = unreachable(tried, error);
  const inner = cause instanceof Error ? cause : undefined;
  return new Unreachable(tried, 'protocol', code, `the answer was cut after ${bytes} bytes (${code})`, inner);
}

function timedOut(tried: string, timeoutMs: number): Unreachable {
  return new Unreachable(tried, 'timeout', 'ETIMEDOUT', `no whole answer within ${timeoutMs} ms`);
}

async function decoded(request: Get, status: number, encoding: string | undefined, sent: Buffer): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity' || sent.length === 0) return sent;
  const decode = decoders[name];
  if (decode === undefined) {
    throw new Unreachable(request.tried, 'protocol', 'ENCODING', 'the answer is in an encoding that was not asked for');
  }
  const limitBytes = status === 200 ? request.limitBytes : 16 * errorBodyBytes;
  try {
    return await decode(sent, { maxOutputLength: limitBytes });
  } catch (error) {
    // What an error says is a hint only, and its body may have been cut above.
    if (status !== 200) return Buffer.alloc(0);
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'ZLIB';
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new TooLarge(request.tried, limitBytes);
    throw new Unreachable(request.tried, 'protocol', code, `the ${name} body is cut or garbled`);
  }
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
