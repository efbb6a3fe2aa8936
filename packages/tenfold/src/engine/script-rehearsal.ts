/**
 * Which failures of a script that has failed led to none of its calls: its function is called once more, apart from its run,
 * and told all but those; if it makes the recorded calls nevertheless, they follow from something else.
 * Invariant: nothing of this is recorded or done, and it is over as soon as the function has made those calls, or another.
 */
import { failuresGoneOnFrom, toldWithout, type Told } from "../core/constructs/script-failures.ts";
import type { FailedEntry, RunError } from "../core/entry.ts";
import type { ScriptCall, ScriptCalls } from "../core/state.ts";
import { copyJson } from "../value/json.ts";
import type { Clock } from "./ports.ts";
import { REFUSED_MAX, type Asking } from "./script-calls.ts";
import type { ContextScript } from "./script-context.ts";
import { otherCall, ScriptCallFailed, staying } from "./script-errors.ts";
import { settling, type Settling } from "./script-promise.ts";

/** The script whose function is called once more. */
export interface Rehearsed extends Pick<ContextScript, "path" | "node" | "run"> {
  readonly beganAt: number;
  readonly clock: Clock;
  /** Whether anybody wants to know yet. */
  readonly isWanted: () => boolean;
  readonly perform: (script: ContextScript) => unknown;
}

/** How a function ends by `error`. What led to no other call are all failures that others came after, or else the one it ended by. */
export async function failedFunction(
  rehearsed: Rehearsed,
  child: ScriptCalls,
  error: RunError,
): Promise<Pick<FailedEntry, "error" | "harmless">> {
  const heard = failuresGoneOnFrom(child);
  const own = heard.filter((call) => isFailureOf(child, call, error));
  for (const harmless of own.length < heard.length && own.length > 0 ? [heard, own] : [heard]) {
    if (await isSameWithout(rehearsed, child, harmless)) return { error, harmless };
  }
  return { error: own.length === 0 ? error : staying(rehearsed.path, error) };
}

/** Whether the function ended by the failure of this call. */
function isFailureOf({ calls }: ScriptCalls, call: number, error: RunError): boolean {
  const { result } = calls[call]!;
  return result?.ok === false && result.error === error;
}

function isSameWithout(
  rehearsed: Rehearsed,
  { calls, answers }: ScriptCalls,
  gone: readonly number[],
): Promise<boolean> {
  const before = answers.slice(0, calls.at(-1)!.heard);
  const told = toldWithout({ calls, answers: before }, new Set(gone));
  return new Promise((resolve) => new Rehearsal(rehearsed, calls, told, resolve).begin());
}

class Rehearsal implements ContextScript {
  readonly path: string;
  readonly node: ContextScript["node"];
  readonly run: ContextScript["run"];
  readonly isReplaying = true;
  now: number;
  readonly #rehearsed: Rehearsed;
  readonly #calls: readonly ScriptCall[];
  readonly #told: Told;
  readonly #over: (isSame: boolean) => void;
  readonly #made: Settling[] = [];
  #heard = 0;
  #refused = 0;
  #isAwake = false;
  #isOver = false;

  constructor(rehearsed: Rehearsed, calls: readonly ScriptCall[], told: Told, over: (isSame: boolean) => void) {
    ({ path: this.path, node: this.node, run: this.run, beganAt: this.now } = rehearsed);
    this.#rehearsed = rehearsed;
    this.#calls = calls;
    this.#told = told;
    this.#over = over;
  }

  begin(): void {
    this.#wake();
    void (async () => this.#rehearsed.perform(this))().catch(() => {});
  }

  ask(make: () => Asking): Promise<unknown> {
    const call = this.#made.length;
    if (this.#isOver || call === this.#calls.length) return new Promise(() => {});
    const asking = this.#isAwake ? askingOf(make) : null;
    if (asking !== null && "refused" in asking && ++this.#refused < REFUSED_MAX)
      return Promise.reject(asking.refused as Error);
    if (asking === null || "refused" in asking || !this.#isRecorded(call, asking)) {
      this.#end(false);
      return new Promise(() => {});
    }
    const made = settling();
    this.#made.push(made);
    return made.promise;
  }

  #isRecorded(call: number, { ask }: Asking): boolean {
    const known = { ...this.#calls[call]!, heard: this.#told.heard[call]! };
    return otherCall(known, ask, this.#heard) === undefined;
  }

  #turn(): void {
    this.#isAwake = false;
    if (this.#isOver) return;
    const answer = this.#told.answers[this.#heard];
    const made = answer && this.#made[answer.call];
    const isDone = this.#made.length === this.#calls.length;
    if (isDone || made === undefined || !this.#rehearsed.isWanted()) return this.#end(isDone);
    this.#heard++;
    this.now = answer!.at;
    this.#wake();
    const result = this.#calls[answer!.call]!.result!;
    if (result.ok) made.resolve(copyJson(result.output));
    else made.reject(new ScriptCallFailed(result.error));
  }

  #wake(): void {
    this.#isAwake = true;
    this.#refused = 0;
    this.#rehearsed.clock.soon(() => this.#turn());
  }

  #end(isSame: boolean): void {
    this.#isOver = true;
    this.#over(isSame);
  }
}

function askingOf(make: () => Asking): Asking | { readonly refused: unknown } {
  try {
    return make();
  } catch (refused) {
    return { refused };
  }
}
