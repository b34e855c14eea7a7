// The result of a check: a mark, what was found, and what to do. Pure: findings in, lines and an exit status out.

import { exitStatus } from '../cli/exit-status.ts';

export type Mark = 'ok' | 'warn' | 'fail' | 'skipped';

export interface Finding {
  check: string;
  mark: Mark;
  /** What was found, or why the check was skipped. */
  found: string;
  /** What to do; null for nothing. */
  todo: string | null;
  /** A failure that may be over at the next try without any correction. */
  passing: boolean;
}

const finding =
  (mark: Mark, passing = false) =>
  (check: string, found: string, todo: string | null = null): Finding => ({ check, mark, found, todo, passing });

export const ok = finding('ok');
export const warn = finding('warn');
/** Somebody has to correct it. */
export const fail = finding('fail');
/** It may be temporary. */
export const temporary = finding('fail', true);
export const skipped = finding('skipped');

/** A line for the finding, and an indented one for each line of what to do. Checks in a row that are skipped for the same reason share a line. */
export function describeFindings([first, ...rest]: readonly [Finding, ...Finding[]]): string {
  const { check, mark, found, todo } = first;
  if (mark === 'skipped') {
    return `${mark.padEnd(9)}${[check, ...rest.map((each) => each.check)].join(', ')}: ${found}`;
  }
  const indent = ' '.repeat(26);
  const lines = todo === null ? [] : todo.split('\n').map((line, at) => `${indent}${at === 0 ? '→ ' : '  '}${line}`);
  return [`${mark.padEnd(9)}${check.padEnd(17)}${found}`, ...lines].join('\n');
}

/** Whether the two share a line. */
export function sameSkip(one: Finding | undefined, other: Finding): boolean {
  return one?.mark === 'skipped' && other.mark === 'skipped' && one.found === other.found;
}

/** The last line of the output. */
export function summarize(findings: readonly Finding[]): string {
  const count = (wanted: (each: Finding) => boolean) => findings.filter(wanted).length;
  const parts = [
    [count(({ mark, passing }) => mark === 'fail' && !passing), 'to correct'],
    [count(({ mark, passing }) => mark === 'fail' && passing), 'that may be temporary'],
    [count(({ mark }) => mark === 'warn'), 'to note'],
  ] as const;
  const said = parts.filter(([number]) => number > 0).map(([number, words]) => `${number} ${words}`);
  return said.length === 0 ? 'No problems found.' : `${said.join(', ')}.`;
}

/** The first that applies: 2 if something has to be corrected, 1 if something failed that may be temporary, else 0. */
export function statusOfFindings(findings: readonly Finding[]): number {
  const failed = findings.filter(({ mark }) => mark === 'fail');
  if (failed.some(({ passing }) => !passing)) return exitStatus.wrongUsage;
  return failed.length > 0 ? exitStatus.incomplete : exitStatus.inSync;
}
