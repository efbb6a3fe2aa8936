/** The measure of queues: what a line costs that does not bind, what waits in one, and how a spike drains. */
import { measure, quantile } from "./child.ts";
import type { Bench } from "./measures.ts";
import { SPIKE_RATE } from "./queued-workflows.ts";
import type { Report, Row } from "./table.ts";

interface Cost {
  readonly cpuMicros: number;
  readonly perSecond: number;
  readonly peakMiB: number;
}

export async function queued(bench: Bench): Promise<Report> {
  return { rows: [...(await unbound(bench)), ...(await costs(bench)), ...(await drained(bench))] };
}

/** Five steps in a row with limits that never bind, beside the same without a queue, in turns; medians of the rounds. */
async function unbound({ target, scale, rounds, say }: Bench): Promise<readonly Row[]> {
  const runs = Math.round(100_000 * scale);
  const worked = async (workflow: string): Promise<number> => {
    const store = await target.newStore();
    const started = await measure<{ wallMs: number }>("start-runs.ts", { store, workflow, runs });
    const { wallMs } = await measure<{ wallMs: number }>("work-runs.ts", { store, workflow, runs });
    await target.dropStore(store);
    return (runs * 5 * 1000) / (started.wallMs + wallMs);
  };
  const [queued, free]: [number[], number[]] = [[], []];
  for (let round = 1; round <= rounds; round++) {
    say(`five queued steps in a row, and without queues: ${runs} runs, round ${round} of ${rounds}`);
    queued.push(await worked("five-queued"));
    free.push(await worked("five-in-a-row"));
  }
  const ratios = queued.map((value, nth) => value / free[nth]!);
  const [value, floor, ratio] = [queued, free, ratios].map((of) => quantile(of, 0.5)) as [number, number, number];
  return [{ name: "five queued steps in a row: start and work", value, unit: "steps/s", floor, ratio }];
}

/** What one run costs the process: with nobody and with very many ahead of it in another key, in one key and in many. */
async function costs({ target, scale, say }: Bench): Promise<readonly Row[]> {
  const [runs, many] = [Math.round(100_000 * scale), Math.round(1_000_000 * scale)];
  const cost = async (waiting: number, keys: number): Promise<Cost> => {
    say(`${runs} runs of ${keys} keys in a line in which ${waiting} wait in another key`);
    const store = await target.newStore();
    const got = await measure<Cost>("queued-cost.ts", { store, waiting, keys, runs });
    await target.dropStore(store);
    return got;
  };
  const alone = await cost(0, 1);
  const behind = await cost(many, 1);
  const keyed = await cost(0, runs);
  const row = (name: string, { cpuMicros: value }: Cost): Row => {
    return { name, value, unit: "us CPU", floor: alone.cpuMicros, ratio: value / alone.cpuMicros, must: "flat" };
  };
  return [
    row(`a run of one queued step, ${many} waiting in another key`, behind),
    row(`a run of one queued step, of ${runs} keys`, keyed),
    { name: `peak memory of a worker with ${many} in a line`, value: behind.peakMiB, unit: "MiB", must: "200 MiB" },
    { name: "runs of one queued step, start to end", value: alone.perSecond, unit: "runs/s" },
  ];
}

/** A spike before a step with a rate: what it lets begin, beside what is permitted. */
async function drained({ target, scale, say }: Bench): Promise<readonly Row[]> {
  const runs = Math.round(100_000 * scale);
  say(`a spike of ${runs} runs drains at ${SPIKE_RATE}/s`);
  const store = await target.newStore();
  await measure("start-runs.ts", { store, workflow: "spike", runs });
  const { perSecond: value, peakMiB } = await measure<Cost>("queued-spike.ts", { store, runs });
  await target.dropStore(store);
  const name = `a spike of ${runs} at a rate`;
  return [
    { name, value, unit: "starts/s", floor: SPIKE_RATE, ratio: value / SPIKE_RATE, must: "95 %" },
    { name: `${name}: peak memory of the worker`, value: peakMiB, unit: "MiB", must: "200 MiB" },
  ];
}
