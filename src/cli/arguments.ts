// The arguments of commands: text in, values out. What is wrong is refused with what would be right.

import { InvalidArgumentError } from 'commander';
import { allSchema, duration, instant, schemaName, whole } from '../config/setting-kinds.ts';
import { UsageError } from './exit-status.ts';

export const collect = (value: string, previous: string[] = []) => [...previous, value];
/** A schema that somebody may read: also that of all accounts. */
export const parseReadSchema = (text: string) => (text === allSchema ? text : parseAs(schemaName, text));
export const parseInstant = (text: string) => parseAs(instant, text);
export const parseDuration = (text: string) => parseAs(duration, text);
export const parseCount = (text: string) => parseAs(whole(0, 10_000_000), text);
export const parseSome = (text: string) => parseAs(whole(1, 10_000_000), text);
export const parsePort = (text: string) => parseAs(whole(0, 65_535), text);

/** @throws InvalidArgumentError, to which commander adds the name of the argument. */
function parseAs<Value>(
  { takes, schema }: { takes: string; schema: { safeParse(text: string): { success: boolean; data?: Value } } },
  text: string,
): Value {
  const { success, data } = schema.safeParse(text);
  if (!success || data === undefined) throw new InvalidArgumentError(`It takes ${takes}.`);
  return data;
}

export interface SyncArguments {
  reconcile?: boolean;
  from?: number;
  to?: number;
  id?: string[];
  dryRun?: boolean;
  allowMassDelete?: boolean;
}

export interface VerifyArguments {
  sample: number;
  full: boolean;
  repair: boolean;
  json: boolean;
}

const leaseWaitMs = 30_000;

/** The options of `sync`. @throws UsageError for a combination that makes no sense. */
export function syncOptions({ from, to, id = [], ...given }: SyncArguments) {
  const rest = { reconcile: false, dryRun: false, allowMassDelete: false, patience: { ms: leaseWaitMs }, ...given };
  if (id.length > 0 && (from !== undefined || to !== undefined || rest.reconcile || rest.dryRun)) {
    throw new UsageError(
      '--id cannot be combined with --from, --to, --reconcile or --dry-run: it fetches just those conversations',
    );
  }
  if ((from !== undefined || to !== undefined) && rest.reconcile) {
    throw new UsageError('--reconcile lists everything: omit --from and --to');
  }
  if (to !== undefined && from === undefined) throw new UsageError('--to needs --from');
  const range = from === undefined ? null : { from, to: to ?? Number.POSITIVE_INFINITY };
  if (range !== null && range.from >= range.to) throw new UsageError('--from must be before --to');
  return { ...rest, ids: [...new Set(id)], range };
}

export interface ForgetArguments {
  id?: string[];
  address?: string[];
  undo: boolean;
  export?: string;
  import?: string;
  dryRun: boolean;
  yes: boolean;
}

/** What `forget` is asked to do. @throws UsageError for a combination that makes no sense. */
export function forgetOptions({ id = [], address = [], undo, dryRun, yes, ...given }: ForgetArguments) {
  const [ids, addresses] = [[...new Set(id)], [...new Set(address)]];
  const erases = !undo && ids.length + addresses.length > 0;
  const kinds = [erases, undo, given.export !== undefined, given.import !== undefined].filter(Boolean).length;
  if (kinds !== 1)
    throw new UsageError('forget takes --id or --address, or --undo with --id, or --export, or --import');
  if (given.export !== undefined) return { kind: 'export', path: given.export } as const;
  if (given.import !== undefined) return { kind: 'import', path: given.import, dryRun, yes } as const;
  if (!undo) return { kind: 'erase', ids, addresses, dryRun, yes } as const;
  if (addresses.length > 0 || ids.length === 0) throw new UsageError('--undo takes --id');
  return { kind: 'undo', ids } as const;
}
