/**
 * The approvals that a run waits for, and how many of them each person or role may decide on.
 * Invariants: a request is here as long as its node waits for people, and no longer; nobody has to go over all of them to
 * know whom the run waits for.
 */
import { isRequest } from "./opened.ts";
import { ASLEEP, visitFrames, type Frame, type Place, type Request, type RunState } from "./state.ts";

/** Who may decide now; null: anybody. */
export function decidersOf({ by, later, isEscalated }: Request): readonly string[] | null {
  return by === null ? null : isEscalated ? [...by, ...later] : by;
}

/** People are asked to decide. */
export function addRequest(state: RunState, request: Request, place: Place): void {
  state.asked ??= { requests: new Map(), deciders: new Map(), changes: 0 };
  state.asked.requests.set(request, place);
  count(state, request, 1);
}

/** It is decided, or nobody needs to decide it any more. */
export function removeRequest(state: RunState, request: Request): void {
  if (state.asked?.requests.delete(request) === true) count(state, request, -1);
}

/** Others may decide it as well from now on. */
export function escalate(state: RunState, request: Request): void {
  count(state, request, -1);
  request.isEscalated = true;
  count(state, request, 1);
}

/** Nobody needs to decide what is asked in a frame that is given up. */
export function removeRequests(state: RunState, frame: Frame): void {
  if (state.asked === null) return;
  visitFrames(frame, ({ children, waits }) => {
    for (const [local, child] of children ?? []) {
      if (waits[local] === ASLEEP && isRequest(child)) removeRequest(state, child);
    }
  });
}

function count(state: RunState, request: Request, change: 1 | -1): void {
  const asked = state.asked!;
  for (const name of new Set(decidersOf(request) ?? [null])) {
    const before = asked.deciders.get(name) ?? 0;
    if (before + change === 0) asked.deciders.delete(name);
    else asked.deciders.set(name, before + change);
    if (before === 0 || before + change === 0) asked.changes++;
  }
}
