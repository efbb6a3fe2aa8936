/** Results that commit with what a body writes, and meet other verbs in a small store. */
import type { Store } from "../../src/store/store.ts";
import type { Name, World } from "./interleaved-world.ts";
import { workOf } from "./transacting.ts";

type Does = (store: Store, world: World, now: number) => Promise<unknown>;

const OF: readonly Name[] = ["plain", "completed", "others", "failed"];

/** `verb` makes one of its name, of the owner in whose name it is sent, and of what it does. */
export function transactVerbs<V>(verb: (name: string, by: string | null, does: Does) => V): readonly V[] {
  const transact = (name: string, by: string, of: Name, kept: string | null): V =>
    verb(`transact ${name}`, by, (store, world) =>
      store.transactions.transact(world.lease(by), workOf(world.id(of), kept)),
    );
  return [
    transact("a result", "a", "plain", "1"),
    transact("the same, with another result", "b", "plain", "2"),
    transact("nothing", "a", "plain", null),
    transact("what is known", "b", "completed", "2"),
    transact("what prune may take", "a", "failed", "1"),
    transact("a result", "dead", "others", "1"),
  ];
}

/** What is known of each, as a worker is told. */
export async function resultsOf(store: Store, world: World, owner: string): Promise<unknown> {
  const results: unknown[] = [];
  for (const name of OF)
    results.push(await store.transactions.transact(world.lease(owner), workOf(world.id(name), null)));
  return results;
}
