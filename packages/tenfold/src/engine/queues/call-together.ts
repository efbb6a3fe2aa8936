/** Has the attempts of a batch called with one body: those of one body, in lanes that take writes. */
import { BatchCall } from "../batch-call.ts";
import type { LaneSlots } from "../slots.ts";
import type { Turn } from "./turn.ts";

/** Those that can be called with one body: the others' lanes are paused, or they are called otherwise. */
export function ofOneBody(turns: readonly Turn[]): readonly Turn[] {
  const able = turns.filter(({ asker }) => !asker.slots.isPaused);
  // Two workflows may have steps of one name, which wait in one line.
  const body = able[0]?.asker.batched?.run;
  return body === undefined ? able.slice(0, 1) : able.filter(({ asker }) => asker.batched?.run === body);
}

/** They are permitted, and have a slot together, which their call has from now on. */
export function callTogether(turns: readonly Turn[], slots: LaneSlots): void {
  if (turns.length === 0) return;
  const call = new BatchCall(turns.length, slots);
  for (const turn of turns) {
    // Its run may have been stopped by what came of the one before.
    if (turn.state === "permitted") turn.called(call);
    else call.leaves(false);
  }
}
