import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type UPlot from 'uplot';

import { Failure } from '../elements/notices.js';
import { numberText } from '../elements/numbers.js';
import { Time } from '../elements/time.js';
import { axisTimes } from './axis-times.js';
import { chartColours, dashOf, type ChartColours } from './chart-colours.js';
import type { ChartData } from './chart-data.js';
import { drawBands, drawMarks } from './chart-marks.js';

const HEIGHT_PX = 260;
/** Of a chart without values: it shows states only. */
const BANDS_PX = 90;
/** A longer legend scrolls, so the keyboard must reach it. */
const MOST_IN_VIEW = 2;
const STYLE = '/console/packages/uplot.css';

/** Loads uPlot when the first chart is drawn. */
let loading: Promise<typeof UPlot> | undefined;
function loadPlot(): Promise<typeof UPlot> {
  if (!document.querySelector(`link[href="${STYLE}"]`)) {
    const link = document.createElement('link');
    [link.rel, link.href] = ['stylesheet', STYLE];
    document.head.append(link);
  }
  return (loading ??= import('uplot').then((module) => module.default));
}

/** Values over time with thresholds, states behind, transitions and gaps. A click chooses a moment. */
export function ValuesChart({
  data,
  label,
  unit = '',
  moment,
  onMoment,
}: {
  data: ChartData;
  /** Unit of all values. */
  unit?: string;
  /** What the chart shows, for those who do not see it. */
  label: string;
  /** Seconds since 1970 of the chosen moment. */
  moment?: number | undefined;
  onMoment?: (seconds: number) => void;
}): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const [index, setIndex] = useState<number | null>(null);
  const [failure, setFailure] = useState<unknown>();
  const [colours, setColours] = useState<ChartColours>();
  const chosen = useRef(onMoment);
  chosen.current = onMoment;
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    let close = (): void => undefined;
    let isGone = false;
    loadPlot().then(
      (Plot) => {
        if (isGone) return;
        close = draw(element, Plot, {
          data,
          moment,
          onColours: setColours,
          onIndex: setIndex,
          onMoment: (at) => chosen.current?.(at),
        });
      },
      (thrown: unknown) => setFailure(thrown),
    );
    return () => {
      isGone = true;
      close();
    };
  }, [data, moment]);
  return (
    <figure class="chart">
      {failure !== undefined && <Failure failure={failure} />}
      <div ref={place} class="plot" role="img" aria-label={label} />
      <figcaption>
        <ul class="legend" tabIndex={data.series.length > MOST_IN_VIEW ? 0 : undefined}>
          {data.series.map(({ name, values }, at) => (
            <li key={at}>
              <svg width="22" height="8" aria-hidden="true">
                <line
                  x1="0"
                  x2="22"
                  y1="4"
                  y2="4"
                  stroke={colours?.series[at % colours.series.length]}
                  stroke-width="2.5"
                  stroke-dasharray={dashOf(at).join()}
                />
              </svg>{' '}
              {name}{' '}
              <strong class="number">{numberText(index === null ? lastOf(values) : (values[index] ?? null))}</strong>
              {unit !== '' && ` ${unit}`}
            </li>
          ))}
        </ul>
        {data.series.length > 0 && (
          <small class="muted">{index === null ? 'newest values' : <Moment seconds={data.times[index]} />}</small>
        )}
      </figcaption>
    </figure>
  );
}

interface Drawn {
  data: ChartData;
  moment: number | undefined;
  onColours: (colours: ChartColours) => void;
  onIndex: (index: number | null) => void;
  onMoment: (seconds: number) => void;
}

/** Draws the chart, and again when the width or the colour scheme changes. Returns a function that removes it. */
function draw(element: HTMLElement, Plot: typeof UPlot, drawn: Drawn): () => void {
  const make = (): UPlot => {
    const colours = chartColours(element);
    drawn.onColours(colours);
    const table = [drawn.data.times, ...drawn.data.series.map(({ values }) => values)] as UPlot.AlignedData;
    return new Plot(optionsOf(drawn, colours, element.clientWidth), table, element);
  };
  let plot = make();
  const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: heightOf(drawn.data) }));
  resized.observe(element);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const recolour = (): void => {
    plot.destroy();
    plot = make();
  };
  scheme.addEventListener('change', recolour);
  return () => {
    resized.disconnect();
    scheme.removeEventListener('change', recolour);
    plot.destroy();
  };
}

function optionsOf({ data, moment, onIndex, onMoment }: Drawn, colours: ChartColours, width: number): UPlot.Options {
  const axis = { stroke: colours.text, grid: { stroke: colours.line, width: 1 }, ticks: { stroke: colours.line } };
  return {
    width,
    height: heightOf(data),
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
    },
    scales: { x: { range: () => [data.from, data.to] }, y: { range: () => rangeOf(data) } },
    axes: [
      { ...axis, values: (_, ticks, ...[, , stepS]) => axisTimes(ticks, stepS) },
      { ...axis, show: hasValues(data), size: 60, values: (_, ticks) => ticks.map((tick) => numberText(tick)) },
    ],
    series: [
      {},
      ...data.series.map(({ name }, index) => ({
        label: name,
        stroke: colours.series[index % colours.series.length] ?? colours.text,
        width: 1.75,
        dash: dashOf(index),
        spanGaps: false,
        points: {
          filter: (_: UPlot, at: number, isShown: boolean) =>
            isShown ? null : pointsAlone(data.series[at - 1]?.values ?? []),
        },
      })),
    ],
    hooks: {
      drawClear: [(plot) => drawBands(plot, data, colours)],
      draw: [(plot) => drawMarks(plot, data, { colours, moment })],
      setCursor: [(plot) => onIndex(plot.cursor.idx ?? null)],
      ready: [
        (plot) =>
          plot.over.addEventListener('click', ({ offsetX }) => onMoment(Math.round(plot.posToVal(offsetX, 'x')))),
      ],
    },
  };
}

/** False for alarms that compare no numbers, such as combinations. */
function hasValues({ series, lines }: ChartData): boolean {
  return series.length + lines.length > 0;
}

function heightOf(data: ChartData): number {
  return hasValues(data) ? HEIGHT_PX : BANDS_PX;
}

/** Indexes of values between two gaps. They have no line, so they are drawn as points. */
function pointsAlone(values: readonly (number | null)[]): number[] {
  const isGap = (index: number): boolean => (values[index] ?? null) === null;
  return values.flatMap((_, index) => (!isGap(index) && isGap(index - 1) && isGap(index + 1) ? [index] : []));
}

/** The values and thresholds, with a margin. */
function rangeOf({ series, lines }: ChartData): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  const include = (value: number | null): void => {
    if (value === null) return;
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  for (const { values } of series) values.forEach(include);
  for (const { value } of lines) include(value);
  if (low > high) return [0, 1];
  const margin = (high - low || Math.abs(high) || 1) * 0.08;
  return [low - margin, high + margin];
}

function lastOf(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

function Moment({ seconds }: { seconds: number | undefined }): JSX.Element | null {
  return seconds === undefined ? null : <Time at={new Date(seconds * 1000).toISOString()} />;
}
