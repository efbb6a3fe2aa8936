/** The measure of the simulator: executions of steps on one thread, and what a run in flight takes. */
import { measure, quantile } from "./child.ts";
import type { Bench } from "./measures.ts";
import type { Report } from "./table.ts";

interface Simulated {
  readonly perSecond: number;
  readonly inFlight: number;
  /** Of what charges may be at once, in the simulation and by the utilisation law. */
  readonly used: number;
  readonly bound: number;
  readonly peakMiB: number;
}

export async function simulated({ scale, rounds, say }: Bench): Promise<Report> {
  const all: Simulated[] = [];
  for (let round = 1; round <= rounds; round++) {
    say(`orders are simulated, round ${round} of ${rounds}`);
    all.push(await measure<Simulated>("simulate-runs.ts", { what: "order", seconds: 2000 * scale }));
  }
  const speeds = all.map(({ perSecond }) => perSecond);
  const { used, bound } = all[0]!;
  say("runs in flight are simulated");
  const [few, many] = [await waiting(0), await waiting(10 * scale)];
  const bytes = ((many.peakMiB - few.peakMiB) * 2 ** 20) / many.inFlight;
  return {
    rows: [
      { name: "simulated: an order with everything on", value: quantile(speeds, 0.5), unit: "steps/s", must: "1,500,000 steps/s" }, // prettier-ignore
      { name: "simulated: what is used of the charges at once, beside the utilisation law", value: 100 * used, unit: "%", floor: 100 * bound, ratio: used / bound }, // prettier-ignore
      { name: `simulated: a run in flight, of ${many.inFlight}`, value: bytes, unit: "bytes", must: "200 bytes" },
    ],
  };
}

function waiting(seconds: number): Promise<Simulated> {
  return measure<Simulated>("simulate-runs.ts", { what: "waits", seconds });
}
