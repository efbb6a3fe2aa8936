/** Worlds with a workflow that is started at each full hour. */
import type { ScheduleOptions } from "../../src/flow/index.ts";
import { MINUTE, stepOf, untyped, workflowOf, World } from "./world.ts";

export const HOUR = 60 * MINUTE;
/** By when a tick's run has been started. */
export const WITHIN = 2000;

/** A workflow of one step, by a schedule at each full hour. */
export function hourly(
  options: Partial<ScheduleOptions> & object = {},
  body: (input: any) => unknown = (input) => input,
) {
  const step = stepOf("s", body, { retry: { attempts: 1 } });
  const made = untyped.schedule("0 * * * *", { timeZone: "UTC", ...options });
  return workflowOf("report", (input) => step(input), { triggers: [made] });
}

/** The full hours for which there are runs, counted from the first that comes after the world's beginning. */
export function hoursOf(world: World): number[] {
  const keys = world.records.map(({ key }) => key!.split("/"));
  const first = nextHour(world.time.now, world);
  return keys.map(([, , at]) => (Date.parse(at!) - first) / HOUR).sort((a, b) => a - b);
}

const firsts = new WeakMap<World, number>();

/** The first full hour since this world was looked at first. */
export function nextHour(now: number, world: World): number {
  if (!firsts.has(world)) firsts.set(world, Math.ceil((now + 1) / HOUR) * HOUR);
  return firsts.get(world)!;
}

/** An empty world, at a quarter past an hour. */
export async function newWorld(lanes = 1): Promise<World> {
  const world = new World(lanes);
  await world.passes(nextHour(world.time.now, world) - world.time.now + 15 * MINUTE);
  firsts.delete(world);
  nextHour(world.time.now, world);
  return world;
}

/** Time passes until so long after the `nth` full hour. */
export async function untilHour(world: World, nth: number, after = WITHIN): Promise<void> {
  await world.passes(nextHour(world.time.now, world) + nth * HOUR + after - world.time.now);
}
