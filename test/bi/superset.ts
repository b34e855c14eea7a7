// deploy/superset as data, and the SQL that Superset makes of a chart on Postgres: no more of it than these charts use;
// anything else is an error.

import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parse } from 'yaml';

const folder = new URL('../../deploy/superset/', import.meta.url);

export interface Dataset {
  table_name: string;
  main_dttm_col: string;
  schema: string;
  sql?: string;
  metrics: { metric_name: string; expression: string }[];
  columns: { column_name: string; type: string; is_dttm: boolean; expression?: string; description?: string }[];
  uuid: string;
  database_uuid: string;
}

type Condition =
  | { expressionType: 'SQL'; sqlExpression: string }
  | { expressionType: 'SIMPLE'; subject: string; operator: string; comparator: string };

export interface Chart {
  slice_name: string;
  description?: string;
  viz_type: string;
  params: {
    viz_type: string;
    adhoc_filters: Condition[];
    x_axis?: string;
    time_grain_sqla?: string;
    metric?: string;
    metrics?: string[];
    groupby?: string[];
    query_mode?: string;
    all_columns?: string[];
    order_by_cols?: string[];
    timeseries_limit_metric?: string;
  };
  uuid: string;
  dataset_uuid: string;
}

export interface Dashboard {
  uuid: string;
  position: Record<string, string | { type: string; children?: string[]; meta?: { uuid?: string; chartId?: number } }>;
  metadata: {
    native_filter_configuration: {
      name: string;
      targets: { column?: { name: string }; datasetUuid?: string }[];
      scope: { excluded: number[] };
    }[];
  };
}

/** Everything of one kind, by the name of its file. */
function read<Kind>(pattern: string): Map<string, Kind> {
  const paths = globSync(pattern, { cwd: folder }).sort();
  return new Map(
    paths.map((path) => [basename(path, '.yaml'), parse(readFileSync(new URL(path, folder), 'utf8')) as Kind]),
  );
}

export const databases: Map<string, { uuid: string; sqlalchemy_uri: string }> = read('databases/*.yaml');
export const datasets: Map<string, Dataset> = read('datasets/*/*.yaml');
export const charts: Map<string, Chart> = read('charts/*.yaml');
export const dashboards: Map<string, Dashboard> = read('dashboards/*.yaml');

export function datasetOf(uuid: string): Dataset {
  const found = [...datasets.values()].find((each) => each.uuid === uuid);
  if (found === undefined) throw new Error(`there is no dataset ${uuid}`);
  return found;
}

/** What a dataset is selected from. */
export function sourceOf({ sql, schema, table_name }: Dataset): string {
  return sql === undefined ? `${schema}."${table_name}"` : `(${sql}) as virtual_table`;
}

/** A column of a dataset as SQL. */
function columnOf({ table_name, columns }: Dataset, name: string): string {
  const found = columns.find(({ column_name }) => column_name === name);
  if (found === undefined) throw new Error(`dataset ${table_name} has no column ${name}`);
  return found.expression ?? `"${name}"`;
}

function metricOf({ table_name, metrics }: Dataset, name: string): string {
  const found = metrics.find(({ metric_name }) => metric_name === name);
  if (found === undefined) throw new Error(`dataset ${table_name} has no metric ${name}`);
  return found.expression;
}

const grains: Record<string, string> = { P1D: 'day', P1W: 'week' };

/** The query of a chart, over all of time or from an instant on. */
export function queryOf({ params, dataset_uuid }: Chart, since = '-infinity'): string {
  const dataset = datasetOf(dataset_uuid);
  const conditions = params.adhoc_filters.map((each) => {
    if (each.expressionType === 'SQL') return `(${each.sqlExpression})`;
    if (each.operator !== 'TEMPORAL_RANGE') throw new Error(`not understood: ${each.operator}`);
    return `${columnOf(dataset, each.subject)} >= '${since}'`;
  });
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  if (params.query_mode === 'raw') {
    const columns = (params.all_columns ?? []).map((name) => columnOf(dataset, name));
    const orders = (params.order_by_cols ?? []).map((text) => {
      const [name, ascending]: [string, boolean] = JSON.parse(text);
      return `${columnOf(dataset, name)} ${ascending ? 'asc' : 'desc'}`;
    });
    return `select ${columns.join(', ')} from ${sourceOf(dataset)} ${where} order by ${orders.join(', ')} limit 100`;
  }
  const metrics = params.metrics ?? [params.metric ?? ''];
  if (params.timeseries_limit_metric !== undefined) metricOf(dataset, params.timeseries_limit_metric);
  const groups = (params.groupby ?? []).map((name) => `${columnOf(dataset, name)} as "${name}"`);
  if (params.x_axis !== undefined)
    groups.unshift(`${axisOf(dataset, params.x_axis, params.time_grain_sqla)} as x_axis`);
  const values = metrics.map((name) => `${metricOf(dataset, name)} as "metric ${name}"`);
  const by = groups.length === 0 ? '' : `group by ${groups.map((_, at) => at + 1).join(', ')}`;
  return `select ${[...groups, ...values].join(', ')} from ${sourceOf(dataset)} ${where} ${by}`;
}

function axisOf(dataset: Dataset, name: string, grain: string | undefined): string {
  const column = columnOf(dataset, name);
  if (grain === undefined) return column;
  const unit = grains[grain];
  if (unit === undefined) throw new Error(`not understood: ${grain}`);
  return `date_trunc('${unit}', ${column})`;
}
