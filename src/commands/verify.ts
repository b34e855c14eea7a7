// `verify`: proves the copy. Says what differs by conversation and column, never what is in it, and how much of what was
// checked has drifted; with `--repair` fetches and stores what differs.

import { type AppConfig, openProgram, scopeOf } from '../app.ts';
import { openConfigured } from '../database.ts';
import { exitStatus } from '../exit-status.ts';
import type { Log } from '../ops/log.ts';
import { createProgress } from '../ops/progress.ts';
import type { Database } from '../store/database.ts';
import { refuseWrongScope } from '../store/scope.ts';
import { type Finding, type Verification, verifyFull, verifySample } from '../sync/verify.ts';
import { fetchAsked } from './asked.ts';
import type { Terminal } from './sync.ts';

export interface VerifyOptions {
  /** How many conversations, chosen at random; null for all. */
  sample: number | null;
  repair: boolean;
  json: boolean;
}

interface Report {
  checked: number;
  drift: number;
  driftRate: number;
  changed: number;
  unverified: number;
  /** What differs still; after a repair, what could not be stored. */
  standing: number;
  repaired: number;
  incomplete: string[];
  findings: Finding[];
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
  await opened.prepare();
  await refuseWrongScope(database, scopeOf(config));
  const { verification, incomplete } = await prove(config, options, database, log, terminal, signal);
  const report = summarize(verification, incomplete);
  // Everything that differs is fetched, so that it is equal now rather than after the next sweep.
  const differing = verification.findings.filter(({ kind }) => kind !== 'unverified').map(({ id }) => id);
  if (options.repair && differing.length > 0) {
    const standing = await fetchAsked({ config, database, log, terminal, signal }, 'verify', differing);
    report.standing = standing.filter((each) => each.standing === 'failed').length;
    report.repaired = differing.length - report.standing;
  }
  terminal.write(options.json ? JSON.stringify(report, null, 2) : describe(report, options));
  if (report.incomplete.length > 0) return exitStatus.incomplete;
  if (report.standing > 0) return exitStatus.drift;
  return report.unverified > 0 ? exitStatus.quarantine : exitStatus.inStep;
}

async function prove(
  config: AppConfig,
  { sample, json }: VerifyOptions,
  database: Database,
  log: Log,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<{ verification: Verification; incomplete: string[] }> {
  await using program = await openProgram({ config, database, epoch: 0, log });
  const { context } = program;
  const progress = createProgress(terminal.progress, terminal.interactive && !json);
  context.watcher.stored = (counts) => progress.show(counts);
  try {
    const verification =
      sample === null ? await verifyFull(context, signal) : await verifySample(context, sample, signal);
    return { verification, incomplete: context.counts.incomplete };
  } finally {
    progress.end();
  }
}

/** What a verification comes to. */
export function summarize({ checked, findings }: Verification, incomplete: string[] = []): Report {
  const count = (kind: Finding['kind']) => findings.filter((each) => each.kind === kind).length;
  const drift = count('drift');
  return {
    checked,
    drift,
    driftRate: checked === 0 ? 0 : drift / checked,
    changed: count('changed'),
    unverified: count('unverified'),
    standing: drift,
    repaired: 0,
    incomplete,
    findings,
  };
}

function describe(report: Report, { repair }: VerifyOptions): string {
  const said = { drift: 'drift', changed: 'changed at the API', unverified: 'not verified' };
  const lines = report.findings
    .slice(0, shown)
    .map(({ id, kind, where }) => `${id}  ${said[kind]}: ${where.join(', ')}`);
  if (report.findings.length > shown) lines.push(`… and ${report.findings.length - shown} more; --json shows all`);
  const percent = (report.driftRate * 100).toFixed(report.drift > 0 ? 3 : 0);
  lines.push(
    `Checked ${report.checked} conversations: ${report.drift} have drifted (${percent} %), ${report.changed} have changed at the API since and are for the next sweep, ${report.unverified} could not be verified.`,
  );
  if (repair) lines.push(`Repaired ${report.repaired}; ${report.standing} still differ.`);
  for (const each of report.incomplete) lines.push(`Incomplete: ${each}.`);
  return lines.join('\n');
}
