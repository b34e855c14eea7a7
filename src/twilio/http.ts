// One GET in, one complete answer out, or an error that says what happened; no retry. The timeout is for the whole attempt,
// so a slow trickle ends too. No more than `limitBytes` are held, before or after decompression. Truncated bodies are
// detected: undici checks Content-Length and the last chunk, zlib the end of its stream.

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
  /** Decompressed; at most the first 64 KiB if the status is not 200. */
  body: Buffer;
  /** Bytes of the body as received. */
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

/** The value of `accept-encoding`. */
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
    // Rejects at once; a request that still waits for a connection is dropped when it gets one.
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

const stopped = new Error('stopped reading');

/** The answer broke off: the reason may lie in this one answer. */
function cut(tried: string, bytes: number, error: Error): Unreachable {
  const { code, cause } = unreachable(tried, error);
  const inner = cause instanceof Error ? cause : undefined;
  return new Unreachable(tried, 'protocol', code, `the answer broke off after ${bytes} bytes (${code})`, inner);
}

function timedOut(tried: string, timeoutMs: number): Unreachable {
  return new Unreachable(tried, 'timeout', 'ETIMEDOUT', `no complete answer within ${timeoutMs} ms`);
}

async function decoded(request: Get, status: number, encoding: string | undefined, sent: Buffer): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity' || sent.length === 0) return sent;
  const decode = decoders[name];
  if (decode === undefined) {
    throw new Unreachable(request.tried, 'protocol', 'ENCODING', 'the answer has an encoding that was not asked for');
  }
  const limitBytes = status === 200 ? request.limitBytes : 16 * errorBodyBytes;
  try {
    return await decode(sent, { maxOutputLength: limitBytes });
  } catch (error) {
    // The body of an error is only a hint, and may have been cut above.
    if (status !== 200) return Buffer.alloc(0);
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'ZLIB';
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new TooLarge(request.tried, limitBytes);
    throw new Unreachable(request.tried, 'protocol', code, `the ${name} body is truncated or corrupted`);
  }
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
