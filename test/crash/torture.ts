/**
 * The fleet's crash test for as long as one likes: `npm run torture -- --minutes 60 [--seed n]`; or until it has dealt
 * so much: `npm run torture -- --kills 1000 --restarts 100 --stops 50`.
 * It is played in rounds, each with a server and a seed of its own and judged at its end, so that a breach is told of
 * soon and the evidence stays small. Exits with 1 at the first round that breaks a promise, and if the time is over
 * before all was dealt that was asked for.
 */
import { parseArgs } from "node:util";
import { audit, shortened } from "./audit.ts";
import { fleetRun } from "./fleet-run.ts";
import { summaryOf } from "./fleet-summary.ts";

const ROUND_KILLS = 200;

const TEXT = { type: "string" } as const;
const { values } = parseArgs({ options: { minutes: TEXT, seed: TEXT, kills: TEXT, restarts: TEXT, stops: TEXT } });
const first = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
const from = performance.now();
const until = from + Number(values.minutes ?? 60) * 60_000;
const asked = Object.entries({ kills: values.kills, restarts: values.restarts, stops: values.stops }).flatMap(
  ([blow, number]) =>
    number === undefined ? [] : [{ blow: blow as "kills" | "restarts" | "stops", number: Number(number) }],
);
const all = { kills: 0, restarts: 0, stops: 0, runs: 0 };
const isDealt = (): boolean => asked.length > 0 && asked.every(({ blow, number }) => all[blow] >= number);

for (let seed = first; performance.now() < until && !isDealt(); seed++) {
  await fleetRun({
    seed,
    hasEnough: ({ kills }) => kills >= ROUND_KILLS || performance.now() >= until,
    judge: (evidence, blows) => {
      const breaches = audit(evidence);
      all.kills += blows.kills;
      all.restarts += blows.restarts;
      all.stops += blows.stops;
      all.runs += evidence.runs.length;
      process.stdout.write(`seed ${seed}: ${summaryOf(evidence, blows)}; ${breaches.length} violations\n`);
      if (breaches.length === 0) return;
      process.stdout.write(`${JSON.stringify(shortened(breaches), null, 2)}\n`);
      throw new Error(`A promise was broken; again: npm run torture -- --seed ${seed}`);
    },
  });
  const minutes = ((performance.now() - from) / 60_000).toFixed(1);
  process.stdout.write(
    `in all ${all.kills} kills, ${all.restarts} restarts, ${all.stops} stops, ${all.runs} runs in ${minutes} minutes\n`,
  );
}
if (asked.length > 0 && !isDealt()) {
  process.stdout.write("The time was over before all was dealt that was asked for.\n");
  // What the server's package does when a program ends would make it a 0.
  process.exit(1);
}
