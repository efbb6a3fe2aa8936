/**
 * What a run is found by while something of it is open: the approvals that it waits for, and of whom.
 * Invariant: the store has the facts that the run's journal comes to, because they are written with its lines; of a run
 * that has ended it has none.
 */
import { openApprovals } from "../core/approvals.ts";
import { decidersOf } from "../core/constructs/approval.ts";
import type { RunState } from "../core/state.ts";
import type { Fact } from "../store/store.ts";

/** What no attribute of a user's begins with. */
export const OWN_FACTS = "tenfold.";
/** Runs that wait for an approval. */
export const APPROVAL_FACT = `${OWN_FACTS}approval`;
/** Its value: there are only names of such facts. */
export const FACT_VALUE = "open";

export const NO_FACTS: ReadonlySet<string> = new Set();

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
    if (before === after) return undefined;
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
