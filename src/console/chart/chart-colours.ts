/** Colours and dashes of a chart. A canvas knows no variables of style sheets, so they are read from an element. */
export interface ChartColours {
  text: string;
  line: string;
  states: Readonly<Record<string, string>>;
  marks: Readonly<Record<string, string>>;
  threshold: string;
  moment: string;
  series: readonly string[];
}

const SERIES = ['--series-1', '--series-2', '--series-3', '--series-4', '--series-5', '--series-6'];
/** Series beyond the colours differ by their dashes. */
const DASHES: readonly number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3]];

/** The colours of the present scheme, light or dark. */
export function chartColours(place: HTMLElement): ChartColours {
  const probe = document.createElement('span');
  place.append(probe);
  const colour = (name: string): string => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = {
    text: colour('--muted'),
    line: colour('--line'),
    states: { alarm: colour('--alarm-back'), ok: colour('--ok-back'), 'insufficient data': colour('--unknown-back') },
    marks: { alarm: colour('--alarm'), ok: colour('--ok'), 'insufficient data': colour('--unknown') },
    threshold: colour('--alarm'),
    moment: colour('--accent'),
    series: SERIES.map(colour),
  };
  probe.remove();
  return colours;
}

/** The dash of a series, by its place among all. */
export function dashOf(index: number): number[] {
  return DASHES[Math.floor(index / SERIES.length) % DASHES.length] ?? [];
}
