/** A law of every state of a life. */
import { deepEqual } from "node:assert/strict";
import { decidersOf } from "../../src/core/asked.ts";
import { openRequest } from "../../src/core/constructs/approval.ts";
import { visitFrames, type RunState } from "../../src/core/state.ts";

/** Whom the run waits for is counted as its approvals come and go: it is what going over all of them would find. */
export function checkAsked(state: RunState): void {
  const deciders = new Map<string | null, number>();
  visitFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes) {
      const request = openRequest({ frame, node });
      const names = request === undefined ? [] : (decidersOf(request) ?? [null]);
      for (const name of new Set(names)) deciders.set(name, (deciders.get(name) ?? 0) + 1);
    }
  });
  const sorted = (map: ReadonlyMap<string | null, number>) =>
    [...map].map(([name, count]) => `${name} ${count}`).sort();
  deepEqual(sorted(state.asked?.deciders ?? new Map()), sorted(deciders));
}
