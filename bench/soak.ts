/** The soak as it is told: the last minute against the first, and, where it is asked for, a page with a graph. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { lineChart } from "./chart.ts";
import { measure } from "./child.ts";
import type { Bench } from "./measures.ts";
import type { Slice, Soaked, SoakOptions } from "./soak-run.ts";
import { markdown, type Report } from "./table.ts";
import type { PostgresTarget } from "./target.ts";

const PAGES = join(import.meta.dirname, "../docs/inside");
const MUST = "1.2 x the first";

export async function soak(
  { target, say }: Bench<PostgresTarget>,
  { minutes, write }: { readonly minutes: number; readonly write: boolean },
): Promise<Report> {
  const seconds = minutes * 60;
  const sliceSeconds = Math.min(10, seconds / 12);
  const slices = Math.round(seconds / sliceSeconds);
  const warmUpSeconds = Math.min(20, seconds / 4);
  /** A minute, or a quarter of what is shorter than four. */
  const edge = Math.round(Math.min(60, seconds / 4) / sliceSeconds);
  say(`soak: ${warmUpSeconds} seconds of warm-up, then ${seconds} seconds beside a reader that keeps its snapshot`);
  const store = await target.newStore();
  const options: SoakOptions = { store, sliceSeconds, slices, warmUpSeconds };
  const soaked = await measure<Soaked>("soak-run.ts", { ...options }, { atMostSeconds: warmUpSeconds + seconds + 120 });
  await target.dropStore(store);
  const first = costs(soaked.slices.slice(0, edge));
  const last = costs(soaked.slices.slice(-edge));
  const end = soaked.slices.at(-1)!;
  const compared = (what: keyof Costs) => ({ value: last[what], floor: first[what], ratio: last[what] / first[what] });
  const named = `soak of ${Math.round(seconds)} s, last ${Math.round(edge * sliceSeconds)} s`;
  if (write) writePage(soaked.slices, seconds);
  return {
    rows: [
      { name: `${named}: claim, a run`, unit: "us", must: MUST, ...compared("claimUs") },
      { name: `${named}: commit, a run`, unit: "us", must: MUST, ...compared("commitUs") },
      { name: `${named}: runs`, unit: "runs/s", ...compared("runsPerSecond") },
      { name: "soak, at its end: tables", value: end.tablesMiB, unit: "MiB" },
      { name: "soak, at its end: indexes", value: end.indexesMiB, unit: "MiB" },
      { name: "soak: peak memory, starter and worker in one", value: soaked.peakMiB, unit: "MiB" },
    ],
    notes: [
      `soak: the floor is the same as long at the beginning, after ${warmUpSeconds} s of warm-up; one reader holds one snapshot throughout`,
      ...(write ? ["soak: written to docs/inside/soak.md and docs/inside/soak.svg"] : []),
    ],
  };
}

interface Costs {
  readonly claimUs: number;
  readonly commitUs: number;
  readonly runsPerSecond: number;
}

function costs(slices: readonly Slice[]): Costs {
  const sum = (what: "runs" | "tookMs" | "claimMs" | "commitMs") => slices.reduce((total, one) => total + one[what], 0);
  const runs = sum("runs");
  return {
    claimUs: (sum("claimMs") * 1000) / runs,
    commitUs: (sum("commitMs") * 1000) / runs,
    runsPerSecond: (runs * 1000) / sum("tookMs"),
  };
}

function writePage(slices: readonly Slice[], seconds: number): void {
  const minutes = slices.map((slice) => slice.seconds / 60);
  const each = slices.map((slice) => costs([slice]));
  const svg = lineChart(minutes, "minutes", [
    {
      title: "a claim and a commit, us a run",
      lines: { claim: each.map(({ claimUs }) => claimUs), commit: each.map(({ commitUs }) => commitUs) },
    },
    {
      title: "size, MiB",
      lines: { tables: slices.map(({ tablesMiB }) => tablesMiB), indexes: slices.map(({ indexesMiB }) => indexesMiB) },
    },
  ]);
  const part = Math.max(1, Math.round(slices.length / 10));
  const rows = Array.from({ length: Math.ceil(slices.length / part) }, (_, index) => {
    const slice = slices.slice(index * part, (index + 1) * part);
    const { claimUs, commitUs, runsPerSecond } = costs(slice);
    const { seconds: until, tablesMiB, indexesMiB } = slice.at(-1)!;
    return [until, runsPerSecond, claimUs, commitUs, tablesMiB, indexesMiB].map((value) => value.toFixed(0));
  });
  const page = `# Soak

What a claim and a commit cost on Postgres while a worker runs at full speed beside a reader that keeps one snapshot from
start to end, so that nothing that died since then can be cleaned away. ${Math.round(seconds)} seconds, written by
\`npm run bench -- --store postgres --only soak --write\` on ${new Date().toISOString().slice(0, 10)}.

![What a claim and a commit cost, and the sizes of tables and indexes, over time](soak.svg)

${markdown(["until, s", "runs/s", "claim, us a run", "commit, us a run", "tables, MiB", "indexes, MiB"], rows)}

A cost is the time from the call to the answer, summed over all calls and divided by the runs that ended meanwhile. A
warm-up before the first slice is not counted.
`;
  writeFileSync(join(PAGES, "soak.svg"), svg);
  writeFileSync(join(PAGES, "soak.md"), page);
}
