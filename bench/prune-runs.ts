/** Child: prunes what was started before a time, as if it had ended an hour ago; tells how fast. */
import type { Clock } from "../packages/tenfold/src/engine/ports.ts";
import { systemClock } from "../packages/tenfold/src/engine/system.ts";
import { Tenfold } from "../packages/tenfold/src/engine/client.ts";
import { answer, asked } from "./child.ts";
import { engineOn } from "./own-engine.ts";

const HOUR_MS = 3_600_000;

const { store, until } = asked<{ store: string; until: number }>();
const clock: Clock = {
  ...systemClock,
  now: () => systemClock.now() + HOUR_MS,
  at: (at, callback) => systemClock.at(at - HOUR_MS, callback),
};
const tenfold = new Tenfold(await engineOn(store, [], clock));
const from = performance.now();
const { pruned } = await tenfold.prune({ until }, { olderThan: "10m" });
answer({ pruned, wallMs: performance.now() - from });
