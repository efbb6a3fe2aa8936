/** Lines over time as an SVG that needs nothing else: panels below each other, each from 0 to its largest value. */

export interface Panel {
  readonly title: string;
  /** Values by the line's name, one for each place of `x`. */
  readonly lines: Readonly<Record<string, readonly number[]>>;
}

const WIDTH = 760;
const HEIGHT = 200;
const LEFT = 70;
const RIGHT = 90;
const TOP = 34;
const GAP = 40;
const COLOURS = ["#1f6feb", "#d9480f", "#2b8a3e", "#862e9c"];

export function lineChart(x: readonly number[], xName: string, panels: readonly Panel[]): string {
  const height = panels.length * (HEIGHT + TOP + GAP);
  const body = panels.map((panel, index) => drawn(panel, x, xName, index * (HEIGHT + TOP + GAP) + TOP));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
${body.join("\n")}
</svg>
`;
}

function drawn({ title, lines }: Panel, x: readonly number[], xName: string, top: number): string {
  const xMax = Math.max(...x);
  const yMax = Math.max(...Object.values(lines).flat());
  const across = (value: number) => LEFT + (value / xMax) * (WIDTH - LEFT - RIGHT);
  const down = (value: number) => top + HEIGHT - (value / yMax) * HEIGHT;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = down(share * yMax).toFixed(1);
    return `<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#dddddd"/><text x="${LEFT - 6}" y="${at}" text-anchor="end" dominant-baseline="middle">${figure(share * yMax)}</text>`;
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<text x="${across(share * xMax).toFixed(1)}" y="${top + HEIGHT + 16}" text-anchor="middle">${figure(share * xMax)}</text>`,
  );
  const drawnLines = Object.entries(lines).map(([name, values], index) => {
    const points = values.map((value, at) => `${across(x[at]!).toFixed(1)},${down(value).toFixed(1)}`).join(" ");
    const colour = COLOURS[index % COLOURS.length]!;
    return `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/><text x="${WIDTH - RIGHT + 6}" y="${down(values.at(-1)!).toFixed(1)}" fill="${colour}" dominant-baseline="middle">${name}</text>`;
  });
  return [
    `<text x="${LEFT}" y="${top - 12}" font-weight="bold">${title}</text>`,
    ...grid,
    ...ticks,
    `<text x="${WIDTH - RIGHT}" y="${top + HEIGHT + 32}" text-anchor="end">${xName}</text>`,
    ...drawnLines,
  ].join("\n");
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}
