// What a complete run writes: results.json with the machine it ran on, results.svg, and the table between two markers of
// docs/performance.md. All three are made from the same results.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { drawChart } from './chart.ts';
import type { Row } from './row.ts';
import { asMarkdown } from './table.ts';

export interface Results {
  /** UTC. */
  date: string;
  machine: { cpu: string; cores: number; memoryGb: number; system: string };
  /** How busy the machine was with other things when the run began: its load in the minute before. */
  loadBefore: number;
  node: string;
  postgres: string;
  minutes: number;
  rows: Row[];
}

const folder = new URL('./', import.meta.url);
const documentFile = new URL('../docs/performance.md', import.meta.url);
const picture =
  '![Loading history beside a rival and the ceiling, and each measure against its bar](../bench/results.svg)';
const [from, to] = ['<!-- measured: npm run bench writes this -->', '<!-- end of what was measured -->'];

/** What this machine is, and what it ran. */
export function describe(
  rows: Row[],
  { postgres, minutes, loadBefore }: Pick<Results, 'postgres' | 'minutes' | 'loadBefore'>,
): Results {
  const all = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      cpu: all[0]?.model.trim() ?? '',
      cores: all.length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      system: `${type()} ${release()}`,
    },
    loadBefore,
    node: process.versions.node,
    postgres,
    minutes: Math.round(minutes),
    rows,
  };
}

export function writeResults(results: Results): void {
  writeFileSync(new URL('results.json', folder), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(new URL('results.svg', folder), `${drawChart(results.rows)}\n`);
  writeFileSync(documentFile, withResults(readFileSync(documentFile, 'utf8'), results));
}

/** What was measured last; null before anything was. */
export function readResults(): Results | null {
  const file = new URL('results.json', folder);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : null;
}

/** The document with these results between its markers. @throws if it has none. */
export function withResults(document: string, results: Results | null): string {
  const [before, after] = [document.indexOf(from) + from.length, document.indexOf(to)];
  if (!document.includes(from) || after < before) throw new Error(`docs/performance.md lacks ${from} … ${to}`);
  const said =
    results === null ? 'Not measured yet.' : `${picture}\n\n${describeRun(results)}\n\n${asMarkdown(results.rows)}`;
  return `${document.slice(0, before)}\n\n${said}\n\n${document.slice(after)}`;
}

function describeRun({ date, machine, loadBefore, node, postgres, minutes }: Results): string {
  const { cpu, cores, memoryGb } = machine;
  return `Measured on ${date} in ${minutes} minutes: ${cpu}, ${cores} cores, ${memoryGb} GB, a load of ${loadBefore} before; Node ${node}, Postgres ${postgres}. Medians, with the extremes of all rounds in brackets.`;
}
