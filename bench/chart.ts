// The result as a picture of two panels: how fast history is loaded, beside the rival and the ceiling; and every measure
// against its bar, on one axis where 1 is the bar itself, so that right of the line is reached, whichever way the measure
// goes. SVG by ECharts, in colours that can be read on white and on black: GitHub shows it on either.

import { type EChartsOption, init } from 'echarts';
import type { Figure, Row } from './row.ts';
import { sayNumber } from './table.ts';

const [width, left, right] = [880, 300, 150];
const [title, thick, gap] = [44, 26, 64];
/** As far from white as from GitHub's dark ground. */
const grey = '#747a82';
const [ours, others] = ['#1f6feb', '#9198a1'];
const [reached, missed] = ['#2da44e', '#d1602a'];
const fontSize = 13;
const farthest = 10;

interface Bar {
  name: string;
  value: number;
  said: string;
  color: string;
}

/** How many times as good as its bar asks for: 1 at the bar. From 0.1 to 10: what matters is which side it is on. */
export function reach({ value, ratio, bar }: Row): number {
  if (bar === null) return Number.NaN;
  const got = (ratio ?? value).median;
  const times = bar.is === 'least' ? got / bar.at : bar.at / got;
  // Zero where zero is asked for.
  if (Number.isNaN(times)) return 1;
  return Math.min(farthest, Math.max(1 / farthest, times));
}

/** Draws the rows; as text. */
export function drawChart(rows: readonly Row[]): string {
  const [speeds, bars] = [speedsOf(rows), barsOf(rows)];
  const [firstHeight, secondHeight] = [speeds.length * thick, bars.length * thick];
  const secondTop = title + firstHeight + gap;
  const height = secondTop + secondHeight + gap / 2;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  const heading = (text: string, top: number) => ({
    text,
    left: 0,
    top,
    textStyle: { color: grey, fontSize: fontSize + 1, fontWeight: 'bold' as const },
  });
  chart.setOption({
    animation: false,
    title: [
      heading('Loading history, conversations a second', 12),
      heading('Each measure against its bar (right of the line: reached)', secondTop - 36),
    ],
    grid: [
      { left, right, top: title, height: firstHeight },
      { left, right, top: secondTop, height: secondHeight },
    ],
    xAxis: [
      { ...quietAxis, type: 'value', gridIndex: 0, show: false },
      { ...quietAxis, type: 'log', gridIndex: 1, min: 1 / farthest, max: farthest },
    ],
    yAxis: [namesOf(speeds, 0), namesOf(bars, 1)],
    series: [seriesOf(speeds, 0), { ...seriesOf(bars, 1), markLine }],
  } satisfies EChartsOption);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

const quietAxis = {
  axisLabel: { color: grey, fontSize, formatter: (value: number) => `${sayNumber(value)} ×` },
  axisLine: { show: false },
  splitLine: { lineStyle: { color: grey, opacity: 0.25 } },
};

const markLine = {
  silent: true,
  symbol: 'none',
  data: [{ xAxis: 1 }],
  label: { show: false },
  lineStyle: { color: grey, type: 'solid' as const, width: 2 },
};

function namesOf(bars: readonly Bar[], gridIndex: number) {
  return {
    type: 'category' as const,
    gridIndex,
    inverse: true,
    data: bars.map(({ name }) => name),
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { color: grey, fontSize },
  };
}

function seriesOf(bars: readonly Bar[], index: number) {
  return {
    type: 'bar' as const,
    xAxisIndex: index,
    yAxisIndex: index,
    barWidth: 15,
    data: bars.map(({ value, color, said }) => ({
      value,
      itemStyle: { color },
      // Bars to the left of the line begin at it: their label goes to the right of it all the same.
      label: { show: true, position: 'right' as const, color: grey, fontSize, formatter: said },
    })),
  };
}

/** The product, and whatever loading history is held against. */
function speedsOf(rows: readonly Row[]): Bar[] {
  const history = rows.filter(({ measure, bar }) => measure === 'history' && bar !== null);
  const bar = (name: string, figure: Figure, color: string) => ({
    name,
    value: figure.median,
    said: `${sayNumber(figure.median)} (${sayNumber(figure.least)} to ${sayNumber(figure.most)})`,
    color,
  });
  const rivals = history.flatMap(({ against }) => (against === null ? [] : [bar(against.name, against, others)]));
  return [...history.slice(0, 1).map(({ value }) => bar('conversation-sync', value, ours)), ...rivals];
}

function barsOf(rows: readonly Row[]): Bar[] {
  return rows.flatMap((each) => {
    const { short, value, ratio, bar, met } = each;
    if (bar === null) return [];
    const got = ratio === null ? `${sayNumber(value.median)} ${value.unit}` : `${sayNumber(ratio.median)} ×`;
    const said = `${got}; bar ${bar.is === 'least' ? '≥' : '≤'} ${sayNumber(bar.at)}`;
    return [{ name: short, value: reach(each), said, color: met ? reached : missed }];
  });
}
