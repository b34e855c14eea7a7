// `verify`: compares the copy with the API. Reports which conversations and columns differ, never their contents, and which share has
// drifted. With `--repair`, fetches and stores what differs.

import { type AppConfig, openProgram, scopeOf } from '../../app.ts';
import { openConfigured } from '../../database.ts';
import { refuseWrongScope } from '../../postgres/scope.ts';
import type { Context } from '../../sync/context.ts';
import {
  type Finding,
  isUnread,
  unread,
  type Verification,
  verifyFull,
  verifyIds,
  verifySample,
} from '../../sync/verify.ts';
import type { Log } from '../../worker/log.ts';
import { exitStatus } from '../exit-status.ts';
import { createProgress } from '../progress.ts';
import type { Terminal } from '../terminal.ts';
import type { Invocation } from './leased.ts';
import { refetch } from './refetch.ts';

export interface VerifyOptions {
  /** How many conversations to choose at random; null for all. */
  sample: number | null;
  repair: boolean;
  json: boolean;
}

interface Report {
  checked: number;
  /** Operator results that were compared. */
  results: number;
  drift: number;
  driftRate: number;
  changed: number;
  quarantined: number;
  unverified: number;
  /** How many still differ; after a repair, those that it did not mend. */
  standing: number;
  repaired: number;
  incomplete: string[];
  findings: Finding[];
  /** The findings after the repair. */
  afterRepair: Finding[];
}

const shown = 50;

/** Verifies. @returns the exit status. @throws what ended it. */
export async function verify(
  config: AppConfig,
  options: VerifyOptions,
  log: Log,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  await using opened = await openConfigured(config.database);
  const { database } = opened;
  await opened.prepare((doing) => log.info(doing));
  await refuseWrongScope(database, scopeOf(config));
  await using program = await openProgram({ config, database, epoch: null, log });
  const { context } = program;
  const { sample, repair, json } = options;
  const found = await runVerification(context, sample, terminal, json, signal);
  const report = summarize(found, context.counts.incomplete);
  try {
    // Messages on the way must not become part of the report.
    const aside = { ...terminal, write: (line: string) => terminal.progress.write(`${line}\n`) };
    const repaired = repair
      ? await repairAll({ config, database, log, terminal: aside, signal }, context, report)
      : null;
    if (isUnread(repaired ?? found)) report.incomplete.push(unread);
  } finally {
    terminal.write(json ? JSON.stringify(report, null, 2) : describe(report, options));
  }
  if (report.incomplete.length > 0) return exitStatus.incomplete;
  if (report.standing > 0) return exitStatus.drift;
  return report.unverified + report.quarantined > 0 ? exitStatus.quarantine : exitStatus.inSync;
}

async function runVerification(
  context: Context,
  sample: number | null,
  terminal: Terminal,
  json: boolean,
  signal: AbortSignal,
): Promise<Verification> {
  const progress = createProgress(terminal.progress, terminal.interactive && !json);
  context.watcher.stored = (counts) => progress.show(counts);
  try {
    return sample === null ? await verifyFull(context, signal) : await verifySample(context, sample, signal);
  } finally {
    context.watcher.stored = () => {};
    progress.end();
  }
}

/** Fetches everything that differs, rather than leaving it to the next sweep, and verifies it again. */
async function repairAll(invocation: Invocation, context: Context, report: Report): Promise<Verification | null> {
  const differing = [...new Set(report.findings.filter(({ kind }) => kind !== 'unverified').map(({ id }) => id))];
  if (differing.length === 0) return null;
  await refetch(invocation, 'verify', differing);
  const again = await verifyIds(context, differing, invocation.signal);
  const { findings } = again;
  const changed = findings.filter(({ kind }) => kind === 'changed').length;
  report.repaired = differing.length - new Set(findings.map(({ id }) => id)).size;
  report.standing = findings.length - changed;
  // Conversations in quarantine that still differ are counted in `standing` now.
  report.quarantined = 0;
  report.afterRepair = findings;
  return again;
}

/** Counts the findings. `incomplete`: why not everything was verified. */
function summarize({ checked, results, findings }: Verification, incomplete: string[]): Report {
  const count = (kind: Finding['kind']) => findings.filter((each) => each.kind === kind).length;
  const drift = count('drift');
  return {
    checked,
    results,
    drift,
    driftRate: checked === 0 ? 0 : drift / checked,
    changed: count('changed'),
    quarantined: count('quarantined'),
    unverified: count('unverified'),
    standing: drift,
    repaired: 0,
    incomplete,
    findings,
    afterRepair: [],
  };
}

const kinds: Record<Finding['kind'], string> = {
  drift: 'drift',
  changed: 'changed at the API',
  quarantined: 'in quarantine, and differs',
  unverified: 'not verified',
};

function describe(report: Report, { repair }: VerifyOptions): string {
  const percent = (report.driftRate * 100).toFixed(report.drift > 0 ? 3 : 0);
  const lines = [
    ...describeFindings(report.findings, ''),
    `Checked ${report.checked} conversations${report.results > 0 ? ` and ${report.results} operator results` : ''}: ${report.drift} have drifted (${percent} %), ${report.changed} have changed at the API since and are for the next sweep, ${report.quarantined} differ and are in quarantine, ${report.unverified} could not be verified.`,
  ];
  if (repair) {
    lines.push(...describeFindings(report.afterRepair, 'still '));
    const again = report.afterRepair.length - report.standing;
    lines.push(
      `Repaired ${report.repaired}; ${report.standing} still differ${again > 0 ? `; ${again} have changed again` : ''}.`,
    );
  }
  for (const each of report.incomplete) lines.push(`Incomplete: ${each}.`);
  return lines.join('\n');
}

function describeFindings(findings: Finding[], still: string): string[] {
  const lines = findings
    .slice(0, shown)
    .map(({ id, kind, where }) => `${id}  ${still}${kinds[kind]}: ${where.join(', ')}`);
  if (findings.length > shown) lines.push(`… and ${findings.length - shown} more; --json shows all`);
  return lines;
}
