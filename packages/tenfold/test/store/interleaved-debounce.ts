/** Starts with a debounce that meet with other verbs in a small store. */
import type { RunStart } from "../../src/store/store.ts";
import { workflowOf, type Name, type World } from "./interleaved-world.ts";
import { keyOf, NOW } from "./sample.ts";

/** `start` makes one of its name, of the owner in whose name it is sent, what it starts, and the runs that it keeps from others. */
export function debouncedStarts<V>(
  start: (
    name: string,
    by: string | null,
    starts: (world: World) => readonly RunStart[],
    touches?: readonly Name[],
  ) => V,
): readonly V[] {
  return [
    start("debounced", "a", (world) => [inPlaceOf("later", world, "new1")]),
    start("debounced and due", "b", (world) => [inPlaceOf("keyed", world, "new2")], ["keyed"]),
    start(
      "debounced, several",
      null,
      (world) => [
        inPlaceOf("keyed", world, "new3"),
        inPlaceOf("later", world, "new1"),
        inPlaceOf("later", world, "new2"),
      ],
      ["keyed"],
    ),
  ];
}

function inPlaceOf(waiting: "later" | "keyed", world: World, name: Name): RunStart {
  const key = keyOf(waiting === "later" ? "l" : "k", { inputHash: `h of ${name}`, debounce: { maxMs: 70 } });
  const attributes = [{ name: "region", value: "us" }];
  return world.start(name, { workflow: workflowOf(waiting), key, at: NOW + 60, attributes });
}
