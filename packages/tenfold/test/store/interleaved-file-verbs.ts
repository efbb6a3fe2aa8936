/** The verbs of files that meet with others in a small store. */
import type { FilePart } from "../../src/store/files.ts";
import type { Store } from "../../src/store/store.ts";
import { part, sweepAll } from "./interleaved-files.ts";
import type { Name, World } from "./interleaved-world.ts";

type Does = (store: Store, world: World, now: number) => Promise<unknown>;

/** `verb` makes one of its name, of the owner in whose name it is sent, and of what it does. */
export function fileVerbs<V>(verb: (name: string, by: string | null, does: Does) => V): readonly V[] {
  const write = (name: string, by: string, parts: (world: World) => readonly FilePart[]): V =>
    verb(`write ${name}`, by, (store, world, now) => store.files.write(world.lease(by), parts(world), now));
  const others: readonly Name[] = ["plain", "completed", "others"];
  return [
    write("a file", "a", (world) => [part(world.id("plain"), "f-new", 0, { removes: ["f-whole", "f-begun"] })]),
    write("the last part", "a", (world) => [part(world.id("plain"), "f-begun", 1, { removes: ["f-whole"] })]),
    write("of runs that are not its own", "b", (world) => others.map((name) => part(world.id(name), "f-new", 0))),
    verb("remove files", "a", (store, world) =>
      store.files.remove(world.lease("a"), [
        { run: world.id("plain"), file: "f-begun" },
        { run: world.id("others"), file: "f-whole" },
      ]),
    ),
    verb("list files", null, (store, world) =>
      store.files.list(world.lane, [world.id("completed"), world.id("others")]),
    ),
    verb("read parts", null, async (store, world) => {
      const whole = { file: "f-whole", node: "render", about: "", parts: 1, at: 0 };
      return (await store.files.read(world.lane, world.id("completed"), whole, 0, 9)).map((bytes) => [...bytes]);
    }),
    verb("sweep", null, async (store, { lane }) => void (await sweepAll(store, lane))),
  ];
}
