// The result of a dashboard's query in, an SVG out: by ECharts, in colours that can be read on white and on black. The
// same rows give the same text.

import { type EChartsOption, init } from 'echarts';
import type { Row } from './data.ts';

const width = 880;
// Between the greys that GitHub's two grounds leave readable.
const grey = '#7d8590';
const blue = '#3b82f6';
const orange = '#e8830c';
const green = '#2da44e';

const column = (rows: readonly Row[], name: string) => rows.map((row) => Number(row[name]));
const dayOf = (value: unknown) =>
  new Date(String(value)).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

const line = { color: grey, opacity: 0.25 };
const values = { type: 'value' as const, axisLabel: { color: grey }, splitLine: { lineStyle: line } };
const categories = {
  type: 'category' as const,
  axisLabel: { color: grey },
  axisLine: { lineStyle: line },
  axisTick: { show: false },
};
const named = (name: string) => ({ name, nameTextStyle: { color: grey } });

const charts: Record<string, { height: number; draw(rows: readonly Row[]): EChartsOption }> = {
  'bi/volume.svg': {
    height: 320,
    draw: (rows) => ({
      grid: { left: 50, right: 50, top: 56, bottom: 30 },
      xAxis: { ...categories, data: rows.map(({ day }) => dayOf(day)) },
      yAxis: [
        { ...values, ...named('conversations') },
        { ...values, ...named('minutes'), splitLine: { show: false }, min: 0 },
      ],
      series: [
        {
          name: 'conversations',
          type: 'bar',
          data: column(rows, 'conversations'),
          itemStyle: { color: blue, borderRadius: [2, 2, 0, 0] },
        },
        {
          name: 'median handling time, minutes',
          type: 'line',
          yAxisIndex: 1,
          data: column(rows, 'median_minutes'),
          symbol: 'circle',
          symbolSize: 5,
          lineStyle: { color: orange, width: 2 },
          itemStyle: { color: orange },
        },
      ],
    }),
  },
  'bi/agents.svg': {
    height: 380,
    draw: (all) => {
      const rows = all.toReversed();
      return {
        grid: { left: 210, right: 30, top: 40, bottom: 30 },
        xAxis: { ...values, max: ({ max }) => Math.ceil((max + 3) / 5) * 5 },
        yAxis: { ...categories, data: rows.map(({ agent }) => String(agent)) },
        series: [
          {
            name: 'conversations answered first, and after how long (median)',
            type: 'bar',
            barWidth: 16,
            data: column(rows, 'conversations'),
            itemStyle: { color: blue, borderRadius: [0, 2, 2, 0] },
            label: {
              show: true,
              position: 'right',
              color: grey,
              formatter: ({ dataIndex, value }) =>
                `${value}, after ${rows[dataIndex]?.['median_first_response_seconds']} s`,
            },
          },
        ],
      };
    },
  },
  'bi/first-response.svg': {
    height: 320,
    draw: (rows) => {
      // Where nobody waited that long there is no row.
      const waits = Array.from({ length: 9 }, (_, at) => at * 30);
      const bars = (name: string, color: string) => {
        const counted = new Map(rows.map((row) => [Number(row['from_seconds']), Number(row[name])]));
        const data = waits.map((from) => counted.get(from) ?? 0);
        return { type: 'bar' as const, data, itemStyle: { color, borderRadius: [2, 2, 0, 0] } };
      };
      return {
        grid: { left: 50, right: 20, top: 56, bottom: 30 },
        xAxis: {
          ...categories,
          axisLabel: { color: grey, interval: 0 },
          data: waits.map((from) => (from < 240 ? `${from} to ${from + 30} s` : 'longer')),
        },
        yAxis: { ...values, ...named('conversations') },
        series: [
          { name: 'by people', ...bars('by_people', blue) },
          { name: 'by AI agents', ...bars('by_ai_agents', orange) },
        ],
      };
    },
  },
  'bi/search.svg': {
    height: 320,
    draw: (rows) => {
      const weeks = [...new Set(rows.map(({ week }) => String(week)))];
      const words = [...new Set(rows.map(({ word }) => String(word)))];
      const said = new Map(rows.map(({ week, word, conversations }) => [`${week} ${word}`, Number(conversations)]));
      return {
        grid: { left: 50, right: 20, top: 56, bottom: 30 },
        xAxis: { ...categories, data: weeks.map(dayOf) },
        yAxis: { ...values, ...named('conversations') },
        series: words.map((word, at) => {
          const color = [blue, orange, green][at % 3] ?? grey;
          const data = weeks.map((week) => said.get(`${week} ${word}`) ?? 0);
          return {
            name: word,
            type: 'line',
            data,
            symbol: 'circle',
            symbolSize: 6,
            lineStyle: { color, width: 2 },
            itemStyle: { color },
          };
        }),
      };
    },
  },
};

/** Draws what a picture shows; as text. */
export function draw(picture: string, rows: readonly Row[]): string {
  const chart = charts[picture];
  if (chart === undefined) throw new Error(`nothing draws ${picture}`);
  const drawn = init(null, null, { renderer: 'svg', ssr: true, width, height: chart.height });
  drawn.setOption({
    animation: false,
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    legend: { top: 4, textStyle: { color: grey }, itemHeight: 10, itemGap: 28 },
    ...chart.draw(rows),
  });
  const svg = drawn.renderToSVGString();
  drawn.dispose();
  // Without what it adds for a page with scripts, and numbers by the process that draws.
  return `${svg
    .replace(/zr\d+-/g, 'zr-')
    .replace(/<style .*?<\/style>\n?/s, '')
    .replace(/ (class|ecmeta_\w+)="[^"]*"/g, '')}\n`;
}
