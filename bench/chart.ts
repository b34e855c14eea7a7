// The result as a picture: each ratio with a bar to reach, on one axis where 1 is the bar itself, so that all of them are
// read the same way: right of the line is reached. SVG by ECharts, in colours that can be read on white and on black.

import { init } from 'echarts';
import type { Row } from './row.ts';
import { sayNumber } from './table.ts';

const width = 880;
const rowHeight = 34;
const edge = 46;
// Between the greys that GitHub's two grounds leave readable.
const grey = '#7d8590';
const reached = '#2da44e';
const missed = '#d1602a';

/** How far beyond its bar a result is: 1 at the bar, more where better. At most 10: what matters is which side it is on. */
export function reach({ value, ratio, bar }: Row): number {
  if (bar === null) return Number.NaN;
  const got = (ratio ?? value).median;
  if (bar.at === 0) return got === 0 ? 1 : 0.1;
  const times = bar.is === 'least' ? got / bar.at : bar.at / got;
  return Math.min(10, Math.max(0.1, times));
}

/** Draws the rows that have a bar; as text. */
export function drawChart(rows: readonly Row[]): string {
  const barred = rows.filter(({ bar }) => bar !== null).toReversed();
  const height = barred.length * rowHeight + edge * 2;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    grid: { left: 430, right: 90, top: edge, bottom: edge },
    xAxis: {
      type: 'log',
      min: 0.1,
      max: 10,
      name: 'times as good as its bar asks for',
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: { color: grey },
      axisLabel: { color: grey, formatter: (value: number) => `${sayNumber(value)} ×` },
      splitLine: { lineStyle: { color: grey, opacity: 0.25 } },
    },
    yAxis: {
      type: 'category',
      data: barred.map(labelOf),
      axisLine: { lineStyle: { color: grey } },
      axisTick: { show: false },
      axisLabel: { color: grey, width: 415, overflow: 'truncate' },
    },
    series: [
      {
        type: 'bar',
        barWidth: 16,
        data: barred.map((each) => ({ value: reach(each), itemStyle: { color: each.met ? reached : missed } })),
        label: {
          show: true,
          position: 'right',
          color: grey,
          formatter: ({ dataIndex }: { dataIndex: number }) => saidOf(barred[dataIndex]),
        },
        markLine: {
          silent: true,
          symbol: 'none',
          data: [{ xAxis: 1 }],
          label: { formatter: 'the bar', color: grey },
          lineStyle: { color: grey, type: 'solid', width: 2 },
        },
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function labelOf({ what, against }: Row): string {
  const plain = what.replaceAll('`', '');
  return against === null ? plain : `${plain}: ${against.what}`;
}

function saidOf(each: Row | undefined): string {
  if (each === undefined) return '';
  const { ratio, value } = each;
  return ratio === null ? `${sayNumber(value.median)} ${value.unit}` : `${sayNumber(ratio.median)} ×`;
}
