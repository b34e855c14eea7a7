// What a whole run leaves behind: results.json with the machine it ran on, results.svg, and the table between two markers
// of the README. One from the other, so that the three say the same.

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
const readmeFile = new URL('../README.md', import.meta.url);
const picture =
  '![Loading history beside a rival and the ceiling, and each measure against its bar](bench/results.svg)';
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
  writeFileSync(readmeFile, withResults(readFileSync(readmeFile, 'utf8'), results));
}

/** What was measured last; null before anything was. */
export function readResults(): Results | null {
  const file = new URL('results.json', folder);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : null;
}

/** The README with these results between its markers. @throws where it has none. */
export function withResults(readme: string, results: Results | null): string {
  const [before, after] = [readme.indexOf(from) + from.length, readme.indexOf(to)];
  if (!readme.includes(from) || after < before) throw new Error(`README.md lacks ${from} … ${to}`);
  const said =
    results === null ? 'Not measured yet.' : `${picture}\n\n${describeRun(results)}\n\n${asMarkdown(results.rows)}`;
  return `${readme.slice(0, before)}\n\n${said}\n\n${readme.slice(after)}`;
}

function describeRun({ date, machine, loadBefore, node, postgres, minutes }: Results): string {
  const { cpu, cores, memoryGb } = machine;
  return `Measured on ${date} in ${minutes} minutes: ${cpu}, ${cores} cores, ${memoryGb} GB, a load of ${loadBefore} before; Node ${node}, Postgres ${postgres}. Medians, with the extremes of all rounds in brackets.`;
}
