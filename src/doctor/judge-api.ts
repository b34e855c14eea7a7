// Facts about the network path to the API, and its answers, in; findings out. Pure: time is an argument. No finding holds a
// key, a proxy's password, or more of an answer than its status and the API's own error.

import type { LookupAddress } from 'node:dns';
import type { ApiConfig } from '../config/config.ts';
import { day } from '../lib/duration.ts';
import { reasonOf } from '../lib/reason.ts';
import {
  ApiError,
  BadAnswer,
  NotFound,
  Refused,
  type TimeUnknown,
  Unauthorized,
  Unavailable,
  Unreachable,
} from '../twilio/errors.ts';
import type { HonouredBounds } from '../twilio/listing.ts';
import { type Finding, fail, ok, temporary, warn } from './finding.ts';
import type { Certificate, NetworkPath } from './network-path.ts';
import { TimedOut } from './with-timeout.ts';

/** `named`: the settings that name the host; null for the default host. */
export interface NamedPath extends NetworkPath {
  named: string | null;
}

export interface Account {
  /** The accounts in the listed conversations. */
  accounts: string[];
  conversations: number;
}

const proxySetting = 'HTTPS_PROXY (HTTP_PROXY for an http:// URL)';
const proxyCredentials = `Put them into ${proxySetting}: http://user:password@host:port`;

export function judgeName({ host, named }: NamedPath, addresses: LookupAddress[] | Error): Finding {
  const check = 'API name';
  if (!(addresses instanceof Error))
    return ok(
      check,
      `${host} is ${addresses
        .slice(0, 3)
        .map(({ address }) => address)
        .join(', ')}`,
    );
  const code = causeOf(addresses);
  if (code === 'ENOTFOUND') {
    const other = 'Does this machine (or container) resolve other names? If not, correct its DNS server.';
    return temporary(check, `there is no host ${host} (${code})`, named === null ? other : `Check ${named}. ${other}`);
  }
  return temporary(check, `${host} cannot be resolved (${code})`, 'Check the DNS server of this machine or container.');
}

/** `error`: why there is no connection. `status`: the proxy's, if it is not 200. */
export function judgeConnection(
  { host, port, proxy, named }: NamedPath,
  error: Error | null,
  status: number | null,
): Finding {
  const check = 'API connection';
  const target = `${host} port ${port}`;
  if (status === 407) {
    return fail(check, `the proxy ${proxy} requires a user and password (407)`, proxyCredentials);
  }
  if (status !== null) {
    const judge = status < 500 ? fail : temporary;
    return judge(
      check,
      `the proxy ${proxy} refuses to connect to ${target} (${status})`,
      `Allow ${host} at the proxy, or add it to NO_PROXY if it can be reached without the proxy.`,
    );
  }
  if (error === null)
    return ok(check, proxy === null ? `directly to ${target}` : `through the proxy ${proxy} to ${target}`);
  if (proxy !== null) {
    const todo = `Check ${proxySetting}; if ${host} can be reached without the proxy, add it to NO_PROXY.`;
    return temporary(check, `the proxy ${proxy} does not answer (${causeOf(error)})`, todo);
  }
  const others = `Does a firewall block outgoing traffic to port ${port}? If there is a proxy, set HTTPS_PROXY.`;
  return temporary(
    check,
    `${target} does not answer (${causeOf(error)})`,
    named === null ? others : `Check ${named}. ${others}`,
  );
}

export function judgeTls(path: NamedPath, seen: Certificate | Error, nowMs: number): Finding {
  const check = 'API TLS';
  if (seen instanceof Error) {
    return temporary(
      check,
      `the handshake with ${path.host} failed (${causeOf(seen)})`,
      'A device in between may block TLS: ask whoever runs the network.',
    );
  }
  const days = Math.floor((seen.expiresAtMs - nowMs) / 1000 / day);
  const until = Number.isNaN(seen.expiresAtMs) ? '' : ` until ${new Date(seen.expiresAtMs).toISOString().slice(0, 10)}`;
  const issued = `issued by ${seen.issuer}`;
  switch (seen.trouble) {
    case null:
      if (days < 7)
        return warn(
          check,
          `the certificate expires in ${days} days (${issued})`,
          `Whoever runs ${path.host} has to renew it.`,
        );
      return ok(check, `${seen.protocol}, certificate valid${until}, ${issued}`);
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return temporary(
        check,
        `the certificate ${seen.trouble === 'CERT_HAS_EXPIRED' ? `was valid${until}` : 'is not valid yet'}, ${issued} (${seen.trouble})`,
        `This machine's clock says ${new Date(nowMs).toISOString().slice(0, 16)}Z: correct it if that is wrong. Otherwise whoever runs ${path.host} has to renew the certificate.`,
      );
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return fail(
        check,
        `the certificate is for another host, ${issued} (${seen.trouble})`,
        `${path.named === null ? '' : `Check ${path.named}. `}Does a proxy or gateway answer instead?`,
      );
    default:
      return fail(
        check,
        `the certificate is not trusted: ${issued} (${seen.trouble})`,
        "If that is your company's proxy or your own authority: NODE_EXTRA_CA_CERTS=/path/to/its.pem\nIf you do not know it, somebody may be intercepting the connection: do not continue.",
      );
  }
}

/** For a path without TLS. */
export function judgePlain(path: NamedPath): Finding {
  const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(path.host);
  if (local) return ok('API TLS', 'none, but the server is on this machine');
  return warn(
    'API TLS',
    `none: the key is sent to ${path.host} in clear text`,
    'Use an https:// URL in TWILIO_INTELLIGENCE_URL.',
  );
}

/** What the first answer says about the key. */
export function judgeKey(api: ApiConfig, answer: Account | Error): Finding {
  const check = 'credentials';
  if (answer instanceof Unauthorized) return judgeRefusal(api, answer);
  // A server that refuses a request with 400 has accepted the key; it may refuse a list without bounds.
  if (answer instanceof Refused && answer.status === 400) {
    return warn(
      check,
      `probably accepted, but the list request was refused (400${reasonIn(answer)})`,
      'Check the SYNC_ filters, unless the next line is ok.',
    );
  }
  if (answer instanceof Error) return judgeAnswer(check, answer);
  const others = answer.accounts.filter((account) => account !== api.accountSid);
  if (others.length > 0) {
    return warn(
      check,
      `accepted, but the list has conversations of ${others.join(', ')}, not of ${api.accountSid}`,
      'Key and TWILIO_ACCOUNT_SID seem to belong to different accounts: correct one of them.',
    );
  }
  if (answer.conversations === 0) return ok(check, 'accepted; there is no conversation yet');
  return ok(check, `accepted; the list has conversations${answer.accounts.length > 0 ? ` of ${api.accountSid}` : ''}`);
}

/** A refusal's status and reason, in brackets and behind. */
export function saidOf({ status, code, reason }: Pick<Unauthorized, 'status' | 'code' | 'reason'>): string {
  return `(${code === undefined ? status : `${status}, code ${code}`})${reasonIn({ reason })}`;
}

function judgeRefusal(api: ApiConfig, { status, code, reason }: Unauthorized): Finding {
  const said = saidOf({ status, code, reason });
  const withKey = api.username !== api.accountSid;
  const what = withKey ? 'TWILIO_API_KEY and TWILIO_API_SECRET' : 'TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN';
  if (status === 403) {
    return fail(
      'credentials',
      `the API accepts the key but denies access ${said}`,
      `Give the key in ${what} the right to read Conversational Intelligence, or use another one.`,
    );
  }
  const lines = [
    `Check ${what}: are they a pair of one account, not revoked, and copied completely?`,
    ...(withKey && /^AC/.test(api.username)
      ? [
          'TWILIO_API_KEY holds an account SID: the SID of an API key begins with SK; an account SID goes with TWILIO_AUTH_TOKEN.',
        ]
      : []),
    api.region === undefined
      ? 'If the account is not in the default region, set TWILIO_REGION, and use a key of that region.'
      : `Is it a key of region ${api.region} (TWILIO_REGION)? Each region has its own keys.`,
  ];
  return fail('credentials', `the API refuses the ${withKey ? 'key' : 'account and token'} ${said}`, lines.join('\n'));
}

/** An error that leaves a check undecided. */
export function judgeAnswer(check: string, error: Error): Finding {
  const said = error instanceof ApiError ? error.message.slice(error.tried.length + 2) : error.message;
  if (error instanceof NotFound)
    return fail(check, 'there is no /v3/Conversations at this address (404)', 'Check TWILIO_INTELLIGENCE_URL.');
  if (error instanceof Refused) return fail(check, said, adviceOn(error));
  if (error instanceof BadAnswer)
    return temporary(
      check,
      `the server that answers is not this API: ${said}`,
      'Check TWILIO_INTELLIGENCE_URL, and whether something in between answers: a proxy, a login page.',
    );
  if (error instanceof Unavailable && error.status === 429)
    return temporary(
      check,
      'too many requests (429)',
      'Something else uses the quota of this account, or a worker is busy: try again. If it lasts, lower SYNC_MAX_CONCURRENCY.',
    );
  const lasting = 'try again later. If it lasts, ask whoever runs the network.';
  if (error instanceof Unavailable)
    return temporary(check, said, `The server, or a gateway in front of it, answers with an error: ${lasting}`);
  if (error instanceof Unreachable && error.trouble === 'proxy')
    return temporary(check, said, `Check ${proxySetting}, and whether the proxy requires a user and password.`);
  if (error instanceof Unreachable && error.trouble === 'protocol')
    return temporary(check, said, `Its answer cannot be read: ${lasting}`);
  // The network path was found to be open: the cause is the server, or a gateway in front of it.
  return temporary(check, said, `It accepts connections but does not answer: ${lasting}`);
}

function adviceOn({ status }: Refused): string {
  if (status === 407) return proxyCredentials;
  if (status < 400)
    return 'Check TWILIO_INTELLIGENCE_URL, and whether something in between answers: a proxy, a login page. Redirects are not followed, since that would send the key to another host.';
  return 'Check TWILIO_INTELLIGENCE_URL and the SYNC_ filters.';
}

/** For answers without a time, or with different ones. */
export function judgeTimeUnknown(error: TimeUnknown): Finding {
  return fail(
    'clock',
    error.message,
    'The server at TWILIO_INTELLIGENCE_URL, and any proxy, cache or gateway in between, must send or pass on the Date header of a fresh answer.',
  );
}

export function judgeBounds(setting: ApiConfig['createdFilter'], bounds: HonouredBounds | null): Finding {
  const check = 'createdBefore';
  if (bounds === null)
    return ok(
      check,
      'unknown, since there is no conversation to check it with; the worker finds out with the first one',
    );
  const auto = 'Set TWILIO_CREATED_FILTER=auto, so that the other parameter is tried too.';
  const slow = 'Nothing to do: every listing reads the whole list, which is correct but slow.';
  if (bounds.name === null)
    return warn(
      check,
      `${setting === 'auto' ? 'neither parameter' : setting} is honoured`,
      setting === 'auto' ? slow : auto,
    );
  if (!bounds.upper) return warn(check, 'only the lower bound, createdAtAfter, is honoured', slow);
  return ok(
    check,
    bounds.lower ? 'createdAtBefore and createdAtAfter are honoured' : `${bounds.name} is honoured, and no lower bound`,
  );
}

/** `aheadSeconds`: by how much the other clock is ahead of this machine's. */
export function judgeClock(check: string, whose: string, aheadSeconds: number): Finding {
  const seconds = Math.round(Math.abs(aheadSeconds));
  if (seconds < 30)
    return ok(check, `this machine's and ${whose} are ${seconds === 0 ? 'the same' : `${seconds} s apart`}`);
  const far =
    seconds < 120
      ? `${seconds} s`
      : seconds < 7200
        ? `${Math.round(seconds / 60)} min`
        : `${Math.round(seconds / 3600)} h`;
  return warn(
    check,
    `this machine's is ${far} ${aheadSeconds > 0 ? 'behind' : 'ahead of'} ${whose}`,
    'Correct the one that is wrong (NTP). Stored data is not affected: this machine’s clock only decides when schedules run and whether certificates are valid.',
  );
}

const reasonIn = ({ reason }: Pick<Refused, 'reason'>) => (reason === undefined ? '' : `: ${reason}`);

/** The error's code, or that it timed out. */
const causeOf = (error: Error) => (error instanceof TimedOut ? error.message : reasonOf(error));
