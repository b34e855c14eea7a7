// One request and its answer, in this order: limits (429), faults, credentials (401), the answer. No socket is held
// longer than that; `stop()` drops the answers that still wait when the server closes.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answers, type Route, routeOf } from './answers.ts';
import type { Fault, Faults } from './faults.ts';
import { Limits, retryAfter } from './limits.ts';
import { expiredToken } from './page-tokens.ts';
import { codeOf, errorBody, methodNotAllowed, notFound, Refusal, tooManyRequests, unauthorized } from './refusal.ts';
import type { RequestLog, RequestRecord } from './request-log.ts';
import { type Answer, type AnswerHeaders, send, sendFaulty } from './sabotage.ts';
import type { Switches } from './switches.ts';

export interface ExchangeParts {
  readonly answers: Answers;
  readonly faults: Faults;
  readonly requests: RequestLog;
  /** The accepted `Authorization` headers. */
  readonly admitted: ReadonlySet<string>;
  readonly now: () => number;
  readonly switches: () => Readonly<Switches>;
}

/** How late Node's timers usually are. */
const timerLateMs = 1;

/** The request listener of a server; `stop()` drops the answers that still wait. */
export function createExchange({ answers, faults, requests, admitted, now, switches: current }: ExchangeParts) {
  const limits = new Limits();
  const waiting = new Set<NodeJS.Timeout>();
  const dateOf = createDates();

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const nowMs = now();
    const switches = current();
    const { path, query } = splitUrl(request.url ?? '/');
    const route = routeOf(path);
    const record: RequestRecord = { ...route, method: request.method ?? '', path, query, startedMs: nowMs, status: 0 };
    const isAdmitted = limits.admit(requests.inFlight, nowMs, switches);
    requests.begin(record);
    response.once('close', () => requests.end());
    const fault = isAdmitted ? faults.strike(record, nowMs) : undefined;
    const answer = decide(() => {
      if (!isAdmitted) throw tooManyRequests();
      if (fault !== undefined) throwFault(fault, record, switches);
      if (!admitted.has(request.headers.authorization ?? '')) throw unauthorized();
      return answerOf(record, route, switches, nowMs);
    });
    // Node would add this machine's date.
    response.sendDate = false;
    answer.headers.Date = dateOf(nowMs + switches.dateOffsetMs);
    const wait = isAdmitted ? retryAfterOf(fault) : retryAfter(switches, nowMs);
    if (wait !== undefined) answer.headers['Retry-After'] = wait;
    dispatch(response, record, answer, fault, switches.latencyMs);
  }

  function answerOf(record: RequestRecord, { endpoint, id = '' }: Route, switches: Switches, nowMs: number): Buffer {
    if (record.method === 'DELETE' && endpoint === 'result') return answers.removeResult(id, record.path, switches);
    if (record.method !== 'GET') throw methodNotAllowed(record.method);
    if (endpoint === 'detail') return answers.detail(id, record.path, switches, nowMs);
    if (endpoint === 'list') return answers.list(record.query, switches, nowMs);
    if (endpoint === 'resultList') return answers.resultList(record.query, switches, nowMs);
    if (endpoint === 'result') return answers.result(id, record.path, switches, nowMs);
    if (endpoint === 'names') return answers.names(record, switches, nowMs);
    throw notFound(record.path);
  }

  function dispatch(
    response: ServerResponse,
    record: RequestRecord,
    answer: Answer,
    fault: Fault | undefined,
    latencyMs: number,
  ): void {
    const go = () => {
      if (response.destroyed) return;
      const isWithheld = fault?.kind === 'reset' || fault?.kind === 'silence';
      if (!isWithheld) requests.answer(record, answer.status, answer.body.length);
      if (fault === undefined) send(response, answer);
      else sendFaulty(response, answer, fault);
    };
    const delayMs = latencyMs + (fault?.kind === 'delay' ? fault.ms : 0);
    if (delayMs === 0) {
      go();
      return;
    }
    const timer = setTimeout(() => {
      waiting.delete(timer);
      go();
    }, delayMs - timerLateMs);
    waiting.add(timer);
  }

  function stop(): void {
    for (const timer of waiting) clearTimeout(timer);
    waiting.clear();
  }

  return { serve, stop };
}

function throwFault(fault: Fault, record: RequestRecord, switches: Switches): void {
  if (fault.kind === 'status') {
    throw new Refusal(fault.status, codeOf(fault.status), fault.message ?? 'A simulated fault');
  }
  const isPaged =
    ['list', 'resultList', 'names'].includes(record.endpoint) && new URLSearchParams(record.query).has('pageToken');
  if (fault.kind === 'expireToken' && isPaged) throw expiredToken(switches);
}

function decide(answer: () => Buffer): Answer {
  try {
    const body = answer();
    // What was deleted is answered with nothing.
    return { status: body.length === 0 ? 204 : 200, headers: { 'Content-Type': 'application/json' }, body };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const headers: AnswerHeaders = { 'Content-Type': 'application/json' };
    if (error.status === 401) headers['WWW-Authenticate'] = 'Basic realm="Twilio API"';
    return { status: error.status, headers, body: Buffer.from(errorBody(error.status, error.code, error.message)) };
  }
}

function retryAfterOf(fault: Fault | undefined): string | undefined {
  return fault?.kind === 'status' ? fault.retryAfter : undefined;
}

function splitUrl(url: string): { path: string; query: string } {
  const mark = url.indexOf('?');
  return mark === -1 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/** Formats HTTP dates; formats each second once. */
function createDates(): (atMs: number) => string {
  let second = Number.NaN;
  let text = '';
  return (atMs) => {
    const current = Math.floor(atMs / 1000);
    if (current !== second) {
      second = current;
      text = new Date(atMs).toUTCString();
    }
    return text;
  };
}
