// Sends an answer with a fault: truncated, withheld, enlarged. The answer is right; only its transmission is not.
// Connections that stay open are closed with the server.

import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Fault } from './faults.ts';

export interface AnswerHeaders extends OutgoingHttpHeaders {
  'Content-Type': string;
  'Content-Length'?: string;
  Date?: string;
  Age?: string;
  'Retry-After'?: string;
  'WWW-Authenticate'?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: Buffer;
}

const html = Buffer.from('<!doctype html><html><body><h1>Service temporarily unavailable</h1></body></html>');
const filler = Buffer.alloc(64 * 1024, 'x');

/** Sends an answer without a fault. */
export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  headers['Content-Length'] = String(body.length);
  response.writeHead(status, headers);
  response.end(body);
}

/** Sends an answer with a fault. Faults that change the answer itself are handled elsewhere: here it is sent unchanged. */
export function sendFaulty(response: ServerResponse, answer: Answer, fault: Fault): void {
  const { status, headers, body } = answer;
  const half = body.subarray(0, body.length >>> 1);
  if (fault.kind === 'reset') {
    if (fault.at === 'head') reset(response);
    else part(response, answer, half, () => reset(response));
    return;
  }
  if (fault.kind === 'silence') {
    if (fault.at === 'body') part(response, answer, half, () => undefined);
    return;
  }
  if (fault.kind === 'truncate') {
    // Without a Content-Length Node sends chunks, and the destroyed socket never gets the last one.
    if (fault.how === 'length') headers['Content-Length'] = String(body.length);
    response.writeHead(status, headers);
    response.write(half, () => response.socket?.end());
    return;
  }
  if (fault.kind === 'huge') {
    sendHuge(response, answer, fault.bytes);
    return;
  }
  if (fault.kind === 'noDate') delete headers.Date;
  if (fault.kind === 'date') {
    headers.Date = new Date(Date.parse(headers.Date ?? '') + fault.offsetMs).toUTCString();
    if (fault.age !== undefined) headers.Age = String(fault.age);
  }
  send(response, swapped(answer, half, fault));
}

/** The answer with another body and status 200, for faults that need one. */
function swapped(answer: Answer, half: Buffer, fault: Fault): Answer {
  if (fault.kind === 'invalidJson') return { ...answer, body: half };
  if (fault.kind !== 'html') return answer;
  return { status: 200, headers: { ...answer.headers, 'Content-Type': 'text/html' }, body: html };
}

function part(response: ServerResponse, { status, headers, body }: Answer, bytes: Buffer, then: () => void): void {
  response.writeHead(status, { ...headers, 'Content-Length': String(body.length) });
  response.write(bytes, then);
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

/** The body's JSON object with one more field of `bytes` bytes, written as fast as it is read. */
function sendHuge(response: ServerResponse, { status, headers, body }: Answer, bytes: number): void {
  const isEmpty = body.toString('latin1', 1, 2) === '}';
  const before = Buffer.from('{"filler":"');
  const after = Buffer.concat([Buffer.from(isEmpty ? '"' : '",'), body.subarray(1)]);
  headers['Content-Length'] = String(before.length + bytes + after.length);
  response.writeHead(status, headers);
  response.write(before);
  let left = bytes;
  const more = () => {
    while (left > 0 && !response.destroyed) {
      const chunk = left < filler.length ? filler.subarray(0, left) : filler;
      left -= chunk.length;
      if (!response.write(chunk)) return;
    }
    response.off('drain', more);
    response.end(after);
  };
  response.on('drain', more);
  more();
}
