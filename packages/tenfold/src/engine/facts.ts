/**
 * What a run is found by beside its attributes: the approvals that it waits for, and of whom; the node at which it failed.
 * Invariant: the store has the facts that the run's journal comes to, because they are written with its lines; a run that
 * has ended waits for nothing.
 */
import { openApprovals } from "../core/approvals.ts";
import { idOfPath } from "../core/path.ts";
import type { RunError } from "../core/entry.ts";
import { decidersOf } from "../core/constructs/approval.ts";
import type { RunState } from "../core/state.ts";
import type { Fact, Then } from "../store/store.ts";

/** What no attribute of a user's begins with. */
export const OWN_FACTS = "tenfold.";
/** Runs that wait for an approval. */
export const APPROVAL_FACT = `${OWN_FACTS}approval`;
/** Its value: there are only names of such facts. */
export const FACT_VALUE = "open";

const NO_FACTS: ReadonlySet<string> = new Set();

/** Runs that wait for an approval of this person, or role; null: of anybody. */
export function approvalFactOf(name: string | null): string {
  return `${APPROVAL_FACT}.${name === null ? "anybody" : `by.${name}`}`;
}

/** The names of the facts that a run in this state has. */
export function factsOf(state: RunState): ReadonlySet<string> {
  if (state.asked === null) return NO_FACTS;
  const names = new Set<string>();
  for (const { request } of openApprovals(state)) {
    names.add(APPROVAL_FACT);
    for (const name of decidersOf(request) ?? [null]) names.add(approvalFactOf(name));
  }
  return names;
}

/** Runs that failed at this node, of whatever item. */
export function failedFactOf(node: string): string {
  return `${OWN_FACTS}failed-at.${idOfPath(node)}`;
}

/** The names of the facts that the store has of a run once this is written. */
export function factsAfter(state: RunState, then: Then): ReadonlySet<string> {
  if (then.kind !== "end" || then.status === "held") return factsOf(state);
  if (then.status !== "failed" || then.error === null) return NO_FACTS;
  return new Set([failedFactOf((JSON.parse(then.error) as RunError).node)]);
}

/** The facts of a run that was loaded in this state: whether it had ended as failed does not show. */
export function factsLoaded(state: RunState): Facts {
  const { failure } = state.root;
  const names = failure === null ? factsOf(state) : new Set([...factsOf(state), failedFactOf(failure.node)]);
  const facts = new Facts(names);
  // A commit may have written facts and no line, and what ended as failed has others.
  if (names.size > 0 && (state.entries === 0 || failure !== null)) facts.mayBeGone();
  return facts;
}

/** The facts of a run in memory, beside those that the store has of it. */
export class Facts {
  /** The names that the store may have. */
  #written: ReadonlySet<string>;
  /** It may also have none of them: the run had ended since. */
  #mayBeGone = false;

  constructor(written: ReadonlySet<string>) {
    this.#written = written;
  }

  mayBeGone(): void {
    this.#mayBeGone = true;
  }

  /** What the next commit has to change; undefined: nothing. */
  changesTo(after: ReadonlySet<string>): readonly Fact[] | undefined {
    const before = this.#written;
    if (before === after && !this.#mayBeGone) return undefined;
    const gone = [...before].filter((name) => !after.has(name)).map((name): Fact => ({ name, value: null }));
    const come = [...after].filter((name) => this.#mayBeGone || !before.has(name));
    if (gone.length + come.length === 0) return undefined;
    return [...gone, ...come.map((name): Fact => ({ name, value: FACT_VALUE }))];
  }

  written(names: ReadonlySet<string>): void {
    this.#written = names;
    this.#mayBeGone = false;
  }
}
