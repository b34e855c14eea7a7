// What was seen of the way to the API, and of its answers → findings. Pure: time is an argument. No finding holds a key,
// a proxy's password or more of an answer than its status and the API's own error code.

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
import { away, type Finding, fail, ok, warn } from './finding.ts';
import type { Certificate, NetworkPath } from './network-path.ts';
import { TimedOut } from './with-timeout.ts';

/** `named`: the settings that name the host; null for the default host. */
export interface NamedPath extends NetworkPath {
  named: string | null;
}

export interface Account {
  /** Those that the shown conversations name. */
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
    const other = 'Does this machine (or container) resolve other names? Else correct its DNS server.';
    return away(check, `there is no host ${host} (${code})`, named === null ? other : `Check ${named}. ${other}`);
  }
  return away(check, `${host} cannot be looked up (${code})`, 'Check the DNS server of this machine or container.');
}

/** `error` is what came instead of a connection; `status` the proxy's, where it answered other than 200. */
export function judgeConnection(
  { host, port, proxy, named }: NamedPath,
  error: Error | null,
  status: number | null,
): Finding {
  const check = 'API connection';
  const target = `${host} port ${port}`;
  if (status === 407) {
    return fail(check, `the proxy ${proxy} wants a user and password (407)`, proxyCredentials);
  }
  if (status !== null) {
    const judge = status < 500 ? fail : away;
    return judge(
      check,
      `the proxy ${proxy} does not let us through to ${target} (${status})`,
      `Have ${host} allowed there, or name it in NO_PROXY if it is reached without.`,
    );
  }
  if (error === null)
    return ok(check, proxy === null ? `straight to ${target}` : `through the proxy ${proxy} to ${target}`);
  if (proxy !== null) {
    const todo = `Check ${proxySetting}; if ${host} is reached without the proxy, name it in NO_PROXY.`;
    return away(check, `the proxy ${proxy} does not answer (${causeOf(error)})`, todo);
  }
  const others = `Does a firewall stop outgoing traffic to port ${port}? Behind a proxy, set HTTPS_PROXY.`;
  return away(
    check,
    `${target} does not answer (${causeOf(error)})`,
    named === null ? others : `Check ${named}. ${others}`,
  );
}

export function judgeTls(path: NamedPath, seen: Certificate | Error, nowMs: number): Finding {
  const check = 'API TLS';
  if (seen instanceof Error) {
    return away(
      check,
      `the handshake with ${path.host} failed (${causeOf(seen)})`,
      'Something between may not let TLS through: ask who runs the network.',
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
          `the certificate is valid for ${days} more days (${issued})`,
          `Whoever runs ${path.host} has to renew it.`,
        );
      return ok(check, `${seen.protocol}, certificate valid${until}, ${issued}`);
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return away(
        check,
        `the certificate ${seen.trouble === 'CERT_HAS_EXPIRED' ? `was valid${until}` : 'is not valid yet'}, ${issued} (${seen.trouble})`,
        `By this machine's clock it is ${new Date(nowMs).toISOString().slice(0, 16)}Z: set it if that is wrong. Else whoever runs ${path.host} has to renew it.`,
      );
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return fail(
        check,
        `the certificate is another host's, ${issued} (${seen.trouble})`,
        `${path.named === null ? '' : `Check ${path.named}. `}Does a proxy or gateway answer in its place?`,
      );
    default:
      return fail(
        check,
        `the certificate is not trusted: ${issued} (${seen.trouble})`,
        "If that is your company's proxy or your own authority: NODE_EXTRA_CA_CERTS=/path/to/its.pem\nIf you do not know it, somebody may be listening: do not go on.",
      );
  }
}

/** Without TLS. */
export function judgePlain(path: NamedPath): Finding {
  const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(path.host);
  if (local) return ok('API TLS', 'none: http:// on this machine');
  return warn(
    'API TLS',
    `none: the key goes to ${path.host} in the clear`,
    'Use an https:// URL in TWILIO_INTELLIGENCE_URL.',
  );
}

/** The first answer: what became of the key. */
export function judgeKey(api: ApiConfig, answer: Account | Error): Finding {
  const check = 'credentials';
  if (answer instanceof Unauthorized) return judgeRefusal(api, answer);
  // Whoever refuses a request has let the key in; it may not like a list without bounds.
  if (answer instanceof Refused && answer.status === 400) {
    return warn(
      check,
      `accepted, it seems, but the list is refused (400${reasonIn(answer)})`,
      'Check the SYNC_ filters, unless the next line is well.',
    );
  }
  if (answer instanceof Error) return judgeAnswer(check, answer);
  const others = answer.accounts.filter((account) => account !== api.accountSid);
  if (others.length > 0) {
    return warn(
      check,
      `accepted, but it shows conversations of ${others.join(', ')}, not of ${api.accountSid}`,
      'Key and TWILIO_ACCOUNT_SID seem to be of different accounts: correct one of them.',
    );
  }
  if (answer.conversations === 0) return ok(check, 'accepted; it shows no conversation yet');
  return ok(check, `accepted, and shows conversations${answer.accounts.length > 0 ? ` of ${api.accountSid}` : ''}`);
}

function judgeRefusal(api: ApiConfig, { status, code, reason }: Unauthorized): Finding {
  const said = `(${code === undefined ? status : `${status}, code ${code}`})${reasonIn({ reason })}`;
  const withKey = api.username !== api.accountSid;
  const what = withKey ? 'TWILIO_API_KEY and TWILIO_API_SECRET' : 'TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN';
  if (status === 403) {
    return fail(
      'credentials',
      `the API knows who asks, and forbids it ${said}`,
      `Give the key the right to read Conversational Intelligence, or take another: it is that of ${what}.`,
    );
  }
  const lines = [
    `Check ${what}: a pair of one account, not revoked, copied whole?`,
    ...(withKey && /^AC/.test(api.username)
      ? [
          'TWILIO_API_KEY holds an account SID: the SID of an API key begins with SK; an account SID goes with TWILIO_AUTH_TOKEN.',
        ]
      : []),
    api.region === undefined
      ? 'Is the account in another region than the default? Then set TWILIO_REGION, and use a key of that region.'
      : `Is it a key of region ${api.region} (TWILIO_REGION)? Each region has its own.`,
  ];
  return fail('credentials', `the API refuses the ${withKey ? 'key' : 'account and token'} ${said}`, lines.join('\n'));
}

/** An answer, or none, that says nothing of what was to be found out. */
export function judgeAnswer(check: string, error: Error): Finding {
  const said = error instanceof ApiError ? error.message.slice(error.tried.length + 2) : error.message;
  if (error instanceof NotFound)
    return fail(check, 'there is no /v3/Conversations at this address (404)', 'Check TWILIO_INTELLIGENCE_URL.');
  if (error instanceof Refused) return fail(check, said, adviceOn(error));
  if (error instanceof BadAnswer)
    return away(
      check,
      `something answers that is not this API: ${said}`,
      'Check TWILIO_INTELLIGENCE_URL, and what stands between: a proxy, a login page.',
    );
  if (error instanceof Unavailable && error.status === 429)
    return away(
      check,
      'the API is asked too much (429)',
      'Something else uses the quota of this account, or a worker is busy: try again; if it lasts, lower SYNC_MAX_CONCURRENCY.',
    );
  const lasting = 'try again in a while; if it lasts, ask who runs what is in between.';
  if (error instanceof Unavailable)
    return away(check, said, `The server, or something before it, answers with an error: ${lasting}`);
  if (error instanceof Unreachable && error.trouble === 'proxy')
    return away(check, said, `Check ${proxySetting}, and whether the proxy wants a user and a password.`);
  if (error instanceof Unreachable && error.trouble === 'protocol')
    return away(check, said, `It answers, but not in a way that can be read: ${lasting}`);
  // The way there was found to be open: what comes now is the server's doing, or that of something before it.
  return away(check, said, `It takes connections, but gives no answer: ${lasting}`);
}

function adviceOn({ status }: Refused): string {
  if (status === 407) return proxyCredentials;
  if (status < 400)
    return 'Check TWILIO_INTELLIGENCE_URL, and what stands between: a proxy, a login page. Redirects are not followed, since the key would go along.';
  return 'Check TWILIO_INTELLIGENCE_URL and the SYNC_ filters.';
}

/** Answers that do not tell the time, or not the same one. */
export function judgeTimeUnknown(error: TimeUnknown): Finding {
  return fail(
    'clock',
    error.message,
    'Have whatever answers at TWILIO_INTELLIGENCE_URL, or stands between (a proxy, a cache, a gateway), send or pass on the Date header of a fresh answer.',
  );
}

export function judgeBounds(setting: ApiConfig['createdFilter'], bounds: HonouredBounds | null): Finding {
  const check = 'createdBefore';
  if (bounds === null)
    return ok(check, 'not known: no conversation to prove it by; the worker finds out with the first one');
  const auto = 'Set TWILIO_CREATED_FILTER=auto, so that the other name is tried too.';
  const slow = 'Nothing needs to be done: every listing reads the whole list, which is correct but slow.';
  if (bounds.name === null)
    return warn(
      check,
      `${setting === 'auto' ? 'no name of the bound' : setting} is honoured`,
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
    'Set the one that is wrong (NTP). What is stored does not suffer: this machine’s decides only when schedules tick, and whether certificates are valid.',
  );
}

const reasonIn = ({ reason }: Pick<Refused, 'reason'>) => (reason === undefined ? '' : `: ${reason}`);

/** The code, or that it took too long. */
const causeOf = (error: Error) => (error instanceof TimedOut ? error.message : reasonOf(error));
