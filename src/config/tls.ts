// TLS to Postgres with libpq's meaning: parameters and files in, options for node-postgres out. See
// https://www.postgresql.org/docs/current/libpq-ssl.html. pg-connection-string has a mode for that, but it knows no `allow`,
// no second try for `prefer` and no `sslrootcert=system`, reads the files itself, and does not say what is wrong with them.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { ConnectionOptions, SecureVersion } from 'node:tls';
import { reasonOf } from '../lib/reason.ts';
import type { Parameter, Parameters, Report } from './parameters.ts';

/** TLS or no TLS, whichever the server accepts. */
export interface OptionalTls {
  options: ConnectionOptions;
  /** Which is tried first. */
  first: 'tls' | 'clear';
}

export interface Tls {
  ssl: false | ConnectionOptions;
  optionalTls?: OptionalTls;
}

const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];
const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

/** Reads the files that the parameters name. `no-verify` is node-postgres' name for `require` without a root certificate. */
export function tlsOf(parameters: Parameters, readFile: (path: string) => string, report: Report): Tls {
  const system = parameters.sslrootcert === 'system';
  const mode = parameters.sslmode ?? (system ? 'verify-full' : 'prefer');
  if (!modes.includes(mode)) report('sslmode', `takes ${modes.join(', ')}, not ${JSON.stringify(mode)}`);
  // libpq never encrypts on a Unix socket.
  if (mode === 'disable' || parameters.host?.startsWith('/')) return { ssl: false };
  if (system && mode !== 'verify-full') {
    report(
      'sslmode',
      `${mode} is too weak for sslrootcert=system, since anybody can get a certificate of those authorities: use verify-full`,
    );
  }
  if (mode === 'verify-ca' && parameters.sslrootcert === undefined) {
    report(
      'sslmode',
      'verify-ca needs sslrootcert, the file of your own authority: without it, any certificate is accepted',
    );
  }
  const options: ConnectionOptions = { ...readFiles(parameters, readFile, report), ...versionsOf(parameters, report) };
  if (mode === 'verify-full') return { ssl: options };
  // With a root certificate, libpq treats every weaker mode as `verify-ca`.
  if (options.ca === undefined || mode === 'no-verify') options.rejectUnauthorized = false;
  else options.checkServerIdentity = () => undefined;
  if (mode === 'prefer') return { ssl: false, optionalTls: { options, first: 'tls' } };
  if (mode === 'allow') return { ssl: false, optionalTls: { options, first: 'clear' } };
  return { ssl: options };
}

function versionsOf(parameters: Parameters, report: Report): ConnectionOptions {
  const version = (parameter: Parameter): SecureVersion | undefined => {
    const given = parameters[parameter];
    const found = versions.find((each) => each.toLowerCase() === given?.toLowerCase());
    if (given !== undefined && found === undefined) report(parameter, `takes ${versions.join(', ')}, not "${given}"`);
    return found as SecureVersion | undefined;
  };
  const [minVersion, maxVersion] = [version('ssl_min_protocol_version'), version('ssl_max_protocol_version')];
  return { ...(minVersion && { minVersion }), ...(maxVersion && { maxVersion }) };
}

/** Reads and parses certificates and key now, so that errors show at the start. */
function readFiles(parameters: Parameters, readFile: (path: string) => string, report: Report): ConnectionOptions {
  const read = (parameter: Parameter, look: (text: string) => string | undefined): string | undefined => {
    const path = parameters[parameter];
    if (path === undefined) return undefined;
    try {
      const text = readFile(path);
      const problem = text.includes('-----BEGIN ') ? look(text) : 'is not PEM: convert it with openssl';
      if (problem === undefined) return text;
      report(parameter, `names ${path}, which ${problem}`);
    } catch (error) {
      report(parameter, `names ${path}, which cannot be read (${reasonOf(error)})`);
    }
    return undefined;
  };
  const ca = parameters.sslrootcert === 'system' ? undefined : read('sslrootcert', problemOfCertificate);
  const crl = read('sslcrl', (text) => (text.includes('BEGIN X509 CRL') ? undefined : 'is not a revocation list'));
  const cert = read('sslcert', problemOfCertificate);
  const passphrase = parameters.sslpassword;
  const key = read('sslkey', (text) => problemOfKey(text, passphrase));
  const { sslcert, sslkey } = parameters;
  if (sslcert !== undefined && sslkey === undefined) report('sslcert', 'needs sslkey too');
  if (sslkey !== undefined && sslcert === undefined) report('sslkey', 'needs sslcert too');
  if (cert !== undefined && key !== undefined && !new X509Certificate(cert).checkPrivateKey(openKey(key, passphrase))) {
    report('sslkey', `names ${sslkey}, which is not the key of sslcert's certificate`);
  }
  return {
    ...(ca !== undefined && { ca }),
    ...(crl !== undefined && { crl }),
    ...(cert !== undefined && key !== undefined && { cert, key, ...(passphrase !== undefined && { passphrase }) }),
  };
}

function problemOfCertificate(text: string): string | undefined {
  try {
    new X509Certificate(text);
    return undefined;
  } catch {
    return text.includes('PRIVATE KEY-----')
      ? 'holds a private key, not a certificate: is it swapped with sslkey?'
      : 'holds no readable certificate';
  }
}

function problemOfKey(text: string, passphrase: string | undefined): string | undefined {
  try {
    openKey(text, passphrase);
    return undefined;
  } catch {
    if (!text.includes('PRIVATE KEY-----')) return 'holds no private key: is it swapped with sslcert?';
    if (!text.includes('ENCRYPTED')) return 'holds no readable private key';
    return passphrase === undefined
      ? 'is encrypted: give its password as sslpassword in DATABASE_URL, or decrypt it'
      : 'cannot be decrypted with sslpassword';
  }
}

function openKey(key: string, passphrase: string | undefined): KeyObject {
  return createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) });
}
