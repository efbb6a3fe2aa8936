/**
 * The engine beside itself as it was at another commit: the same runs started and worked by both, in turns, on the same
 * machine, so that what it costs to have more is told by a ratio.
 */
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measure, quantile } from "./child.ts";
import type { Bench } from "./measures.ts";
import type { Report, Row } from "./table.ts";

const ROOT = join(import.meta.dirname, "..");

/** Pairs of rounds, where the whole number of runs is measured: single ones differ by a tenth. */
const ROUNDS = 9;
const QUICK_ROUNDS = 3;

const WORKFLOWS = [
  { workflow: "five-in-a-row", fullRuns: 100_000, steps: 5 },
  { workflow: "five-and-a-join", fullRuns: 60_000, steps: 6 },
  { workflow: "each-of-a-thousand", fullRuns: 300, steps: 1000 },
];

/** The commit that `named` names; undefined: there is none. */
export function commitNamed(named: string): string | undefined {
  try {
    const asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${named}^{commit}`];
    return execFileSync("git", asked, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}

/** `commit`, whole and as `commitNamed` answers it, is measured with the packages that are installed here. */
export async function against(bench: Bench, commit: string): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), "tenfold-against-"));
  try {
    checkOut(commit, folder);
    const rows: Row[] = [];
    for (const each of WORKFLOWS) rows.push(...(await inTurns(bench, each, join(folder, "bench"), commit.slice(0, 7))));
    const note = `"floor" is the engine at ${commit.slice(0, 7)}, in turns with this one; a ratio is the median of the pairs'.`;
    return { rows, notes: [note] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function checkOut(commit: string, folder: string): void {
  const archive = execFileSync("git", ["archive", commit], { cwd: ROOT, maxBuffer: 1 << 30 });
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  const [installed, linked] = [ROOT, folder].map((root) => join(root, "node_modules"));
  mkdirSync(linked!);
  for (const name of readdirSync(installed!)) {
    const at = join(installed!, name);
    // A package of this repository is a link, and has to lead to that commit's.
    const target = lstatSync(at).isSymbolicLink() ? readlinkSync(at) : at;
    symlinkSync(target, join(linked!, name));
  }
}

interface Speed {
  readonly starts: number;
  readonly work: number;
}

async function inTurns(
  { target, scale, say }: Bench,
  { workflow, fullRuns, steps }: (typeof WORKFLOWS)[number],
  other: string,
  otherName: string,
): Promise<Row[]> {
  const runs = Math.round(fullRuns * scale);
  const speedOf = async (folder: string): Promise<Speed> => {
    const store = await target.newStore();
    const started = await measure<{ wallMs: number }>("start-runs.ts", { store, workflow, runs }, { folder });
    const worked = await measure<{ wallMs: number }>("work-runs.ts", { store, runs }, { folder });
    await target.dropStore(store);
    return { starts: (runs * 1000) / started.wallMs, work: (runs * steps * 1000) / worked.wallMs };
  };
  const rounds = scale < 1 ? QUICK_ROUNDS : ROUNDS;
  const now: Speed[] = [];
  const then: Speed[] = [];
  for (let round = 0; round < rounds; round++) {
    say(`${workflow}: ${runs} runs beside ${otherName}, round ${round + 1} of ${rounds}`);
    const turns = [
      async () => now.push(await speedOf(import.meta.dirname)),
      async () => then.push(await speedOf(other)),
    ];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  const row = (name: string, unit: string, of: keyof Speed): Row => ({
    name: `${workflow}: ${name}`,
    unit,
    value: median(now.map((speed) => speed[of])),
    floor: median(then.map((speed) => speed[of])),
    ratio: median(now.map((speed, index) => speed[of] / then[index]![of])),
  });
  return [row("start", "runs/s", "starts"), { ...row("work alone", "steps/s", "work"), must: "95 % of it" }];
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
