// undici's and Node's errors in, one Unreachable out that says in words what happened. Undici's HTTPParserError carries
// a piece of the body, so no foreign error object is passed on: the cause is a new one with only message and code.

import { type Trouble, Unreachable } from './errors.ts';

const troubles: [codes: RegExp, trouble: Trouble, words: string][] = [
  [/^(ENOTFOUND|EAI_)/, 'dns', 'the host name does not resolve'],
  [/^(ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/, 'timeout', 'no answer in time'],
  [
    /^(ECONNREFUSED|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|EACCES|EPERM)$/,
    'connect',
    'no connection',
  ],
  [/^UND_ERR_(PRX|PROXY|SOCKS5|ABORTED|INVALID_ARG)/, 'proxy', 'the proxy did not let the request through'],
  [/^(CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO)/, 'tls', 'TLS failed'],
  [/^UND_ERR_HEADERS_OVERFLOW$/, 'protocol', 'the response headers are larger than 64 KiB'],
  [/^(HPE_|UND_ERR_(RES_|INFO|NOT_SUPPORTED|RESPONSE))/, 'protocol', 'the answer was cut or garbled'],
  [/^UND_ERR_(DESTROYED|CLOSED)$/, 'closed', 'the client is closed'],
];

/** Names what kept the answer from coming; what is not known counts as a reset connection. */
export function unreachable(tried: string, error: unknown): Unreachable {
  const code = codeOf(error);
  const [, trouble, words] = troubles.find(([codes]) => codes.test(code)) ?? [
    /./,
    'reset' as const,
    'the connection broke',
  ];
  const said = error instanceof Error ? error.message : '';
  const cause = Object.assign(new Error(said), { code });
  return new Unreachable(
    tried,
    trouble,
    code,
    `${words} (${code}${said === '' || said === code ? '' : `: ${said}`})`,
    cause,
  );
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return codeOf(error.cause ?? null) === 'UNKNOWN' ? error.name : codeOf(error.cause);
}
