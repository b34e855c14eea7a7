// What a check comes to: a mark, what was found, and what to do about it. Pure: findings in, lines and an exit status out.

import { exitStatus } from '../cli/exit-status.ts';

export type Mark = 'ok' | 'warn' | 'fail' | 'skipped';

export interface Finding {
  check: string;
  mark: Mark;
  /** What was found; of a skipped check, why it was. */
  found: string;
  /** What a person is to do; null where there is nothing to do. */
  todo: string | null;
  /** A failure that may be over at the next try, without anybody putting something right. */
  passing: boolean;
}

const finding =
  (mark: Mark, passing = false) =>
  (check: string, found: string, todo: string | null = null): Finding => ({ check, mark, found, todo, passing });

export const ok = finding('ok');
export const warn = finding('warn');
/** Somebody has to put it right. */
export const fail = finding('fail');
/** It may pass. */
export const away = finding('fail', true);
export const skipped = finding('skipped');

/** A line a finding, and an indented one for each line of what to do. Those skipped for one reason, one after the other, share a line. */
export function describeFindings([first, ...rest]: readonly [Finding, ...Finding[]]): string {
  const { check, mark, found, todo } = first;
  if (mark === 'skipped') {
    return `${mark.padEnd(9)}${[check, ...rest.map((each) => each.check)].join(', ')}: ${found}`;
  }
  const indent = ' '.repeat(26);
  const lines = todo === null ? [] : todo.split('\n').map((line, at) => `${indent}${at === 0 ? '→ ' : '  '}${line}`);
  return [`${mark.padEnd(9)}${check.padEnd(17)}${found}`, ...lines].join('\n');
}

/** Whether the two are told together. */
export function sameSkip(one: Finding | undefined, other: Finding): boolean {
  return one?.mark === 'skipped' && other.mark === 'skipped' && one.found === other.found;
}

/** The last line. */
export function summarize(findings: readonly Finding[]): string {
  const count = (wanted: (each: Finding) => boolean) => findings.filter(wanted).length;
  const parts = [
    [count(({ mark, passing }) => mark === 'fail' && !passing), 'to put right'],
    [count(({ mark, passing }) => mark === 'fail' && passing), 'that may pass by itself'],
    [count(({ mark }) => mark === 'warn'), 'to know of'],
  ] as const;
  const said = parts.filter(([number]) => number > 0).map(([number, words]) => `${number} ${words}`);
  return said.length === 0 ? 'All well.' : `${said.join(', ')}.`;
}

/** The first that holds: 2 where something has to be put right, 1 where something may pass, else 0. */
export function statusOfFindings(findings: readonly Finding[]): number {
  const failed = findings.filter(({ mark }) => mark === 'fail');
  if (failed.some(({ passing }) => !passing)) return exitStatus.wrongUsage;
  return failed.length > 0 ? exitStatus.incomplete : exitStatus.inSync;
}
