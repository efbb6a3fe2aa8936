/**
 * What a run is found by beside its attributes: the approvals that it waits for, and of whom; that a person has to say
 * whether something happened; the node at which it failed.
 * Invariant: the store has the facts that the run's journal comes to, because they are written with its lines; a run that
 * has ended waits for nothing.
 */
import { hasDoubt } from "../core/constructs/undertaking.ts";
import { idOfPath } from "../core/path.ts";
import type { RunError } from "../core/entry.ts";
import type { RunState } from "../core/state.ts";
import type { Fact, Then } from "../store/store.ts";

/** What no attribute of a user's begins with. */
export const OWN_FACTS = "tenfold.";
/** Runs that wait for an approval. */
export const APPROVAL_FACT = `${OWN_FACTS}approval`;
/** Runs of which an attempt may have happened, and somebody has to say whether it did. */
export const UNSURE_FACT = `${OWN_FACTS}unsure`;
/** Its value: there are only names of such facts. */
export const FACT_VALUE = "open";

export const NO_FACTS: ReadonlySet<string> = new Set();

/** Runs that wait for an approval of this person, or role; null: of anybody. */
export function approvalFactOf(name: string | null): string {
  return `${APPROVAL_FACT}.${name === null ? "anybody" : `by.${name}`}`;
}

/** The names of the facts that a run in this state has. */
function factsOf(state: RunState): ReadonlySet<string> {
  const { asked } = state;
  const isUnsure = hasDoubt(state);
  const isAsked = asked !== null && asked.requests.size > 0;
  if (!isAsked && !isUnsure) return NO_FACTS;
  const approvals = isAsked ? [APPROVAL_FACT, ...[...asked.deciders.keys()].map(approvalFactOf)] : [];
  return new Set([...approvals, ...(isUnsure ? [UNSURE_FACT] : [])]);
}

/** Runs that failed at this node, of whatever item. */
export function failedFactOf(node: string): string {
  return `${OWN_FACTS}failed-at.${idOfPath(node)}`;
}

/** Whether a run in this state has facts, or the store may have some of it: most never do. */
export function mayHaveFacts({ asked, unsure, root }: RunState): boolean {
  return asked !== null || unsure !== null || root.failure !== null;
}

/** The facts of a run that was loaded in this state: whether it had ended as failed does not show. */
export function factsLoaded(state: RunState): Facts {
  const { failure } = state.root;
  const names = factsOf(state);
  const facts = new Facts(state, failure === null ? names : new Set([...names, failedFactOf(failure.node)]), names);
  // A commit may have written facts and no line; what ended as failed has others, and what ended as cancelled none.
  const mayHaveEnded = failure !== null || state.cancelled !== null;
  if (facts.isAny && (state.entries === 0 || mayHaveEnded)) facts.mayBeGone();
  return facts;
}

/** The facts of a run in memory, beside those that the store has of it. */
export class Facts {
  #state: RunState;
  /** The names as they were when whom the run waits for last changed. */
  #names: ReadonlySet<string>;
  #changes: number;
  #isUnsure: boolean;
  /** The names that the store may have. */
  #written: ReadonlySet<string>;
  /** It may also have none of them: the run had ended since. */
  #mayBeGone = false;

  /** `written`: what the store may have. */
  constructor(state: RunState, written: ReadonlySet<string> = NO_FACTS, names = factsOf(state)) {
    this.#state = state;
    this.#names = names;
    this.#changes = state.asked?.changes ?? 0;
    this.#isUnsure = hasDoubt(state);
    this.#written = written;
  }

  get isAny(): boolean {
    return this.#written.size > 0;
  }

  /** The names as they are: the same set until they change. */
  get names(): ReadonlySet<string> {
    const changes = this.#state.asked?.changes ?? 0;
    const isUnsure = hasDoubt(this.#state);
    if (changes !== this.#changes || isUnsure !== this.#isUnsure) this.#names = factsOf(this.#state);
    this.#changes = changes;
    this.#isUnsure = isUnsure;
    return this.#names;
  }

  /** The names of the facts that the store has of the run once this is written. */
  after(then: Then): ReadonlySet<string> {
    if (then.kind !== "end" || then.status === "held") return this.names;
    if (then.status !== "failed" || then.error === null) return NO_FACTS;
    return new Set([failedFactOf((JSON.parse(then.error) as RunError).node)]);
  }

  /** The run is in another state, which did not come from the one before. */
  standIn(state: RunState): void {
    this.#state = state;
    this.#names = factsOf(state);
    this.#changes = state.asked?.changes ?? 0;
    this.#isUnsure = hasDoubt(state);
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
