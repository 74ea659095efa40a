import type UPlot from 'uplot';

import type { ChartColours } from './chart-colours.js';
import type { ChartData } from './chart-data.js';

/** Signs of states, as beside the word. */
const SIGNS: Readonly<Record<string, string>> = { alarm: '▲', ok: '●', 'insufficient data': '?' };

/** The word beside the line at the creation of an alarm. */
const CREATED = 'created';

/** Draws the states behind the values, clipped to the plot. */
export function drawBands(plot: UPlot, { bands }: ChartData, colours: ChartColours): void {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const { state, from, to } of bands) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
    ctx.fillStyle = colours.states[state] ?? colours.line;
    ctx.fillRect(left, bbox.top, Math.max(0, right - left), bbox.height);
  }
  ctx.restore();
}

/** Draws thresholds, transitions, missing points and the chosen moment over the values. */
export function drawMarks(
  plot: UPlot,
  data: ChartData,
  { colours, moment }: { colours: ChartColours; moment: number | undefined },
): void {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  const bottom = bbox.top + bbox.height;
  ctx.save();
  ctx.lineWidth = 1.5 * scale;
  ctx.strokeStyle = colours.threshold;
  for (const { value, isClear } of data.lines) {
    ctx.setLineDash(isClear ? [2 * scale, 4 * scale] : [9 * scale, 4 * scale]);
    horizontal(plot, plot.valToPos(value, 'y', true));
  }
  ctx.setLineDash([]);
  ctx.textAlign = 'center';
  ctx.font = `${11 * scale}px sans-serif`;
  for (const { at, to } of data.transitions) {
    const x = plot.valToPos(at, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const colour = colours.marks[to] ?? colours.text;
    [ctx.strokeStyle, ctx.fillStyle] = [colour, colour];
    vertical(plot, x);
    ctx.fillText(SIGNS[to] ?? '·', x, bbox.top + 11 * scale);
  }
  if (data.createdAt !== undefined && data.createdAt <= data.to) drawCreation(plot, data.createdAt, colours);
  ctx.fillStyle = colours.text;
  for (const at of data.missing)
    ctx.fillRect(plot.valToPos(at, 'x', true) - scale, bottom - 5 * scale, 2 * scale, 5 * scale);
  if (moment !== undefined) {
    ctx.strokeStyle = colours.moment;
    ctx.lineWidth = 2 * scale;
    vertical(plot, plot.valToPos(moment, 'x', true));
  }
  ctx.restore();
}

/** A dotted line with its word to the left, where the chart has nothing of the alarm. */
function drawCreation(plot: UPlot, at: number, colours: ChartColours): void {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  const x = plot.valToPos(at, 'x', true);
  const width = ctx.measureText(CREATED).width + 8 * scale;
  [ctx.strokeStyle, ctx.fillStyle] = [colours.text, colours.text];
  ctx.setLineDash([2 * scale, 3 * scale]);
  vertical(plot, x);
  ctx.setLineDash([]);
  ctx.textAlign = x - bbox.left > width ? 'right' : 'left';
  ctx.fillText(CREATED, x + (ctx.textAlign === 'right' ? -4 : 4) * scale, bbox.top + bbox.height - 8 * scale);
}

function horizontal({ ctx, bbox }: UPlot, y: number): void {
  if (y < bbox.top || y > bbox.top + bbox.height) return;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
}

function vertical({ ctx, bbox }: UPlot, x: number): void {
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
}
