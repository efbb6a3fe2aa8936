/** A worker that dies at a moment that the test names: between two verbs of its store. */
import type { Store } from "../../src/store/store.ts";
import { storeByVerb } from "../../src/testing/store-by-verb.ts";
import type { OpenedEngine, World } from "./world.ts";

/** A worker whose process dies before or after the `nth` verb that it sends. */
export async function dyingWorker(
  world: World,
  flow: any,
  nth: number,
  when: "before" | "after",
): Promise<OpenedEngine> {
  let sent = 0;
  const made: { worker?: OpenedEngine } = {};
  const never = new Promise<never>(() => {});
  const isDead = (): boolean => made.worker!.clock.isDead;
  const verbs = storeByVerb(world.store, (_verb, of) => {
    const real = of(world.store);
    return async (...given) => {
      if (isDead()) return never;
      const isLast = ++sent === nth;
      if (isLast && when === "before") made.worker!.clock.die();
      if (isDead()) return never;
      const answer = await real(...given);
      if (isLast) made.worker!.clock.die();
      return isDead() ? never : answer;
    };
  });
  const watch: Store["watch"] = (what, changed) => world.store.watch(what, () => void (isDead() || changed()));
  const store: Store = { ...verbs, watch, pipelinesCommits: false, close: async () => {} };
  made.worker = world.engineOf([flow], { leaseMs: 3000, beatMs: 1000 }, store);
  made.worker.engine.open().catch(() => {});
  return made.worker;
}
