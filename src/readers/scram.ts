// A password in, what Postgres keeps of it out: the verifier of SCRAM-SHA-256, as RFC 5802 and RFC 7677 define it. Made
// here, so that the password itself never travels: no server log, however talkative, and no pg_stat_activity can show it.

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

/** Postgres' own default. */
const iterations = 4096;

/** The verifier, as `password '…'` of CREATE ROLE takes it. The password is printable ASCII, which every client reads alike; the salt has 16 bytes. */
export function scramVerifier(password: string, salt: Buffer): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const key = (name: string) => createHmac('sha256', salted).update(name).digest();
  const stored = createHash('sha256').update(key('Client Key')).digest();
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored.toString('base64')}:${key('Server Key').toString('base64')}`;
}
