// Exit statuses, as documented in README, for scripts and schedulers. An error in; a status and a line for people out.
// Errors that somebody has to correct have another status than those that may be over at the next try.

import { ConfigError } from '../config/config.ts';
import { EmbeddedError } from '../embedded/binaries.ts';
import { EmbeddedInUse } from '../embedded/embedded.ts';
import { CannotDistribute } from '../postgres/distribute.ts';
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
  /** In sync, except for conversations in quarantine. */
  quarantine: 3,
  /** `verify` found a difference that still stands. */
  drift: 4,
} as const;

/** The order in which they count where several hold. */
const order = [
  exitStatus.wrongUsage,
  exitStatus.incomplete,
  exitStatus.drift,
  exitStatus.quarantine,
  exitStatus.inSync,
] as const;

/** Of the exit statuses of several accounts, the one that counts; undefined if there is none. */
export function firstStatus(statuses: readonly number[]): number | undefined {
  return order.find((status) => statuses.includes(status));
}

/** Wrong usage; the message says what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Whether somebody has to correct something first: waiting does not help. */
export function isMisconfigured(error: unknown): boolean {
  if (error instanceof DatabaseTrouble) return error.misconfigured;
  return [
    ConfigError,
    UsageError,
    WrongScope,
    ReaderRefused,
    ListenError,
    EmbeddedInUse,
    EmbeddedError,
    Obstacle,
    CannotDistribute,
  ].some((kind) => error instanceof kind);
}

/** The exit status after an error. */
export function statusOf(error: unknown): number {
  return isMisconfigured(error) ? exitStatus.wrongUsage : exitStatus.incomplete;
}

/** The message at the end of a command: what happened, and what to check. */
export function sayError(error: unknown): string {
  if (error instanceof Interrupted)
    return 'interrupted; everything stored so far stays, and the next sync continues from there';
  if (error instanceof Unauthorized || (error instanceof Error && error.cause instanceof Unauthorized)) {
    return `${describeError(error)}\nCheck TWILIO_API_KEY and TWILIO_API_SECRET (or TWILIO_AUTH_TOKEN): do they belong to TWILIO_ACCOUNT_SID and to the region in TWILIO_REGION, and are they not revoked?`;
  }
  // Its cause would repeat the message.
  if (error instanceof ListenError) return error.message;
  return describeError(error);
}
