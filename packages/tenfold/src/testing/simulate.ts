/** `npm run simulate`: many seeds, or one again. Exit code 0: every promise held; 1: a seed broke one; 4: usage. */
import { parseArgs } from "node:util";
import { simulate, type SimulationResult } from "./simulator/simulation.ts";

const HELP = `Simulates workers that crash, freeze and lose answers, in virtual time, and audits every promise.

  npm run simulate -- --seeds 1000          seeds 1 to 1000; stops at the first that breaks a promise
  npm run simulate -- --seed 92             one seed, again: the same events in the same order
  npm run simulate -- --seeds 200 --from 5000

  --json    one JSON document on stdout
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "200" },
      seed: { type: "string" },
      from: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const first = Number(values.seed ?? values.from);
  const count = values.seed === undefined ? Number(values.seeds) : 1;
  if (!Number.isInteger(first) || !Number.isInteger(count) || count < 1) {
    process.stderr.write(`Seeds are whole numbers; nothing was simulated.\n\n${HELP}`);
    return 4;
  }
  return simulateMany(first, count, values.json);
}

async function simulateMany(first: number, count: number, isJson: boolean): Promise<number> {
  const startedAt = performance.now();
  const sums = { seeds: 0, runs: 0, bodies: 0, crashes: 0, virtualMs: 0 };
  let broken: SimulationResult | null = null;
  for (let seed = first; seed < first + count && broken === null; seed++) {
    const result = await simulate(seed);
    sums.seeds++;
    sums.runs += result.runs;
    sums.bodies += result.bodies;
    sums.crashes += result.crashes;
    sums.virtualMs += result.virtualMs;
    if (result.violation !== null) broken = result;
    if (!isJson && process.stderr.isTTY && seed % 20 === 0) process.stderr.write(`\r${sums.seeds} of ${count} seeds`);
  }
  const violation = broken === null ? null : broken.violation!.message;
  const seed = broken?.seed ?? null;
  if (isJson) process.stdout.write(`${JSON.stringify({ ...sums, seed, violation })}\n`);
  else report(sums, seed, violation, performance.now() - startedAt);
  return broken === null ? 0 : 1;
}

function report(
  sums: { seeds: number; runs: number; bodies: number; crashes: number; virtualMs: number },
  seed: number | null,
  violation: string | null,
  tookMs: number,
): void {
  const hours = (sums.virtualMs / 3_600_000).toFixed(1);
  const what = `${sums.seeds} seeds, ${sums.runs} runs, ${sums.bodies} bodies, ${sums.crashes} crashes, ${hours} virtual hours in ${(tookMs / 1000).toFixed(1)} s`;
  if (violation === null) process.stdout.write(`\nEvery promise held: ${what}.\n`);
  else
    process.stdout.write(
      `\nSeed ${seed} broke a promise (${what}).\n${violation}\n\nAgain: npm run simulate -- --seed ${seed}\n`,
    );
}

process.exitCode = await main();
