// A password in, the SCRAM-SHA-256 verifier that Postgres stores out, as defined in RFC 5802 and RFC 7677. It is
// computed here, so that the password is never sent and cannot appear in a server log or pg_stat_activity.

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

/** Postgres' own default. */
const iterations = 4096;

/** The verifier for `password '…'` of CREATE ROLE. The password is printable ASCII, which all clients encode alike; the salt has 16 bytes. */
export function scramVerifier(password: string, salt: Buffer): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const key = (name: string) => createHmac('sha256', salted).update(name).digest();
  const stored = createHash('sha256').update(key('Client Key')).digest();
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored.toString('base64')}:${key('Server Key').toString('base64')}`;
}
