// Exit statuses, as the README has them: what scripts and schedulers go by. An error in, a status and a line for people out.
// What waiting cannot mend is told apart from what may be over at the next try.

import { ConfigError } from '../config/config.ts';
import { EmbeddedError } from '../embedded/binaries.ts';
import { EmbeddedInUse } from '../embedded/embedded.ts';
import { DatabaseTrouble } from '../postgres/errors.ts';
import { Obstacle } from '../postgres/obstacles.ts';
import { WrongScope } from '../postgres/scope.ts';
import { ReaderRefused } from '../readers/grant.ts';
import { ListenError } from '../server/listen-error.ts';
import { Unauthorized } from '../twilio/errors.ts';
import { describeError } from '../worker/log.ts';
import { Interrupted } from '../worker/shutdown.ts';

export const exitStatus = {
  inSync: 0,
  /** The pass failed or is incomplete. */
  incomplete: 1,
  /** Wrong usage or configuration, another account's database, missing rights. */
  wrongUsage: 2,
  /** In sync but for conversations in quarantine. */
  quarantine: 3,
  /** `verify` found a difference that still stands. */
  drift: 4,
} as const;

/** Asked for in a way that cannot be carried out; the message says what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What a person has to put right before anything can go well: nothing of it passes by waiting. */
export function isMisconfigured(error: unknown): boolean {
  if (error instanceof DatabaseTrouble) return error.misconfigured;
  return [ConfigError, UsageError, WrongScope, ReaderRefused, ListenError, EmbeddedInUse, EmbeddedError, Obstacle].some(
    (kind) => error instanceof kind,
  );
}

/** The status a command ends with after an error. */
export function statusOf(error: unknown): number {
  return isMisconfigured(error) ? exitStatus.wrongUsage : exitStatus.incomplete;
}

/** What is said of an error at the end of a command: what happened, and what to look at. */
export function sayError(error: unknown): string {
  if (error instanceof Interrupted) return 'interrupted; what is stored stays, and the next sync goes on from there';
  if (error instanceof Unauthorized || (error instanceof Error && error.cause instanceof Unauthorized)) {
    return `${describeError(error)}\nCheck TWILIO_API_KEY and TWILIO_API_SECRET (or TWILIO_AUTH_TOKEN): are they of TWILIO_ACCOUNT_SID, not revoked, and of the region in TWILIO_REGION?`;
  }
  // It says all there is to say; its cause would repeat it.
  if (error instanceof ListenError) return error.message;
  return describeError(error);
}
