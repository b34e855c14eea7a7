// Error answers: a status with the API's JSON error body. The codes are Twilio's public ones, if there is one for the case;
// 20001 is used for every refused parameter.

import type { WireError } from '../twilio/wire.ts';

/** A request is answered with an error; `message` is in the body. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The JSON body of an error in the API's form. */
export function errorBody(status: number, code: number, message: string): string {
  const body: WireError & { more_info: string } = {
    code,
    message,
    status,
    more_info: `https://www.twilio.com/docs/errors/${code}`,
  };
  return JSON.stringify(body);
}

/** 400: a parameter outside its limits, unreadable or unknown. */
export const badRequest = (message: string) => new Refusal(400, 20001, message);
/** 401: missing or wrong credentials. */
export const unauthorized = () => new Refusal(401, 20003, 'Authenticate');
/** 403: the key is good, but not for this. */
export const forbidden = () => new Refusal(403, 20403, 'The key has no right to this resource');
/** 404: no such resource. */
export const notFound = (path: string) => new Refusal(404, 20404, `The requested resource ${path} was not found`);
/** 405: but for deleting results, the simulator is read over HTTP, and written in process. */
export const methodNotAllowed = (method: string) => new Refusal(405, 20004, `Method ${method} not allowed`);
/** 429: too many concurrent requests, or too many in a second. */
export const tooManyRequests = () => new Refusal(429, 20429, 'Too many requests');

/** Twilio's general code for a status. */
export function codeOf(status: number): number {
  if (status === 401) return 20003;
  return status >= 500 ? 20500 : 20000 + status;
}
