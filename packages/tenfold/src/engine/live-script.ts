/**
 * The function of one script in memory. It is called from its start whenever the run is loaded, and led to where it was: its
 * calls are compared with the recorded ones, and what came of these is told in the order of the journal.
 * Invariants: one answer is told at a time, and the next once the function has come to rest, which is when every promise that
 * could settle has; so it makes the same calls in the same order each time, if it awaits nothing but them. A function that is
 * dropped is told nothing any more.
 */
import { openScriptCalls, scriptInput } from "../core/constructs/script.ts";
import type { Ask, AskedEntry, RunError } from "../core/entry.ts";
import { pathOf, placeAt } from "../core/path.ts";
import { HISTORY_MAX, type Place, type ScriptCalls } from "../core/state.ts";
import type { ScriptBody } from "../flow/definition.ts";
import type { ScriptNode } from "../flow/graph.ts";
import { invariant, type TenfoldError } from "../value/error.ts";
import { copyJson } from "../value/json.ts";
import { checked, failure, type Settled } from "./body.ts";
import type { LiveRun } from "./live-run.ts";
import type { Ports } from "./ports.ts";
import { askText, type Asking, type CalledStep } from "./script-calls.ts";
import { scriptContext, type ContextScript } from "./script-context.ts";
import { ScriptCallFailed, atItsEnd, changed, otherCall, outside, tooLarge, unawaited } from "./script-errors.ts";
import type { Execute, ScriptInMemory } from "./script-in-memory.ts";
import { settling, type Settling } from "./script-promise.ts";

export interface ScriptHost {
  readonly ports: Ports;
  /** The longest JSON text of an input (characters). */
  readonly payloadMax: number;
  readonly isDraining: boolean;
  /** A call that is not recorded yet is to be. */
  asked(run: LiveRun, place: Place, entry: AskedEntry): void;
  ended(script: LiveScript, settled: Settled): void;
  hold(run: LiveRun, error: RunError): void;
  /** The code of a call is known now that was to be executed before. */
  execute(run: LiveRun, command: Execute): void;
  /** The function came to rest, or is dropped. */
  rested(run: LiveRun): void;
}

interface Made extends Settling {
  readonly step: CalledStep | null;
}

export class LiveScript implements ContextScript, ScriptInMemory {
  readonly run: LiveRun;
  readonly place: Place;
  readonly path: string;
  readonly node: ScriptNode;
  readonly #host: ScriptHost;
  readonly #body: ScriptBody;
  /** What the function has called since it was called itself. */
  readonly #made: Made[] = [];
  /** Calls to be executed that the function has not come to yet. */
  readonly #late = new Map<number, Execute>();
  /** What was recorded when it was called. */
  readonly #recorded: { readonly calls: number; readonly answers: number };
  #heard = 0;
  #now: number;
  #isCalled = false;
  #isBusy = false;
  /** It may make calls: it was called, or told something, and has not come to rest since. */
  #isAwake = false;
  #isGone = false;
  #end: Settled | null = null;

  constructor(host: ScriptHost, run: LiveRun, place: Place, body: ScriptBody) {
    invariant(place.node.node.kind === "script", "only a script has a function of its own");
    this.#host = host;
    this.#body = body;
    this.run = run;
    this.place = place;
    this.node = place.node.node;
    this.path = pathOf(run.state.compiled, place.frame, place.node);
    const { calls, answers } = openScriptCalls(place)!;
    this.#recorded = { calls: calls.length, answers: answers.length };
    this.#now = place.frame.readyAt[place.node.local]!;
    this.stir();
  }

  get now(): number {
    return this.#now;
  }

  get isReplaying(): boolean {
    return this.#made.length < this.#recorded.calls || this.#heard < this.#recorded.answers;
  }

  stir(): void {
    if (this.#isBusy || this.#isGone) return;
    this.#setBusy(true);
    this.#host.ports.clock.soon(() => this.#turn());
  }

  drop(): void {
    this.#isGone = true;
    this.#isAwake = false;
    this.#setBusy(false);
  }

  stepOf(call: number, command: Execute): CalledStep | undefined {
    const made = this.#made[call];
    if (made === undefined) this.#late.set(call, command);
    return made?.step ?? undefined;
  }

  ask(make: () => Asking): Promise<unknown> {
    if (this.#end !== null) throw outside(this.path, "it was used after its script had ended");
    const child = this.#calls;
    if (this.#isGone || child === undefined) return new Promise(() => {});
    if (!this.#isAwake) throw this.#strayed(make);
    const { ask, step } = make();
    const call = this.#made.length;
    const known = child.calls[call];
    if (known === undefined && !this.#mayAsk(child, ask)) return new Promise(() => {});
    const other = known === undefined ? undefined : otherCall(known, ask, this.#heard);
    if (known !== undefined && other !== undefined) {
      this.#changed(call, known.ask, other);
      return new Promise(() => {});
    }
    const made = { ...settling(), step };
    this.#made.push(made);
    if (known === undefined) {
      const entry: AskedEntry = {
        kind: "asked",
        node: this.path,
        at: this.#host.ports.clock.now(),
        call,
        heard: this.#heard,
        ask,
      };
      this.#host.asked(this.run, this.place, entry);
    }
    const late = this.#late.get(call);
    if (late !== undefined && this.#late.delete(call)) this.#host.execute(this.run, late);
    return made.promise;
  }

  /** Its calls; undefined where it is not to go on. */
  get #calls(): ScriptCalls | undefined {
    const { run, place } = this;
    if (run.isGone || run.ending !== null || run.state.cancelled !== null) return undefined;
    return placeAt(run.state, this.path)?.frame === place.frame ? openScriptCalls(place) : undefined;
  }

  #turn(): void {
    if (this.#isGone) return;
    this.#isAwake = false;
    const child = this.#calls;
    if (child === undefined) return this.#leave();
    if (this.#host.isDraining) {
      this.run.wakesNow = true;
      return this.#leave();
    }
    if (!this.#isCalled) return this.#call();
    if (this.#end !== null) return this.#finish(child, this.#end);
    const answer = child.answers[this.#heard];
    if (answer !== undefined) return this.#tell(child, answer);
    const missing = child.calls[this.#made.length];
    if (missing !== undefined) return this.#changed(this.#made.length, missing.ask, "no call came");
    if (child.answers.length === child.calls.length) {
      return void this.#left("it awaits something that is none of its calls");
    }
    this.#setBusy(false);
    this.#host.rested(this.run);
  }

  #again(): void {
    this.#isAwake = true;
    this.#host.ports.clock.soon(() => this.#turn());
  }

  #call(): void {
    this.#isCalled = true;
    const input = scriptInput(this.run.state, this.place);
    this.#again();
    let answer: unknown;
    try {
      answer = this.#body(
        scriptContext(this, this.#host.ports.log) as never,
        (input.ok ? copyJson(input.output) : null) as never,
      );
    } catch (thrown) {
      return this.#threw(thrown);
    }
    Promise.resolve(answer).then(
      (output) => this.#settled(checked(output, { node: this.path, attempt: 0 })),
      (thrown) => this.#threw(thrown),
    );
  }

  #settled(end: Settled): void {
    if (this.#isGone || this.#end !== null) return;
    if (this.#isAwake) this.#end = end;
    else this.#left("it ended while it awaited other things than its calls");
  }

  #tell(child: ScriptCalls, { call, at }: ScriptCalls["answers"][number]): void {
    const made = this.#made[call];
    const { result } = child.calls[call]!;
    const next = this.#made.length;
    if (made === undefined) return this.#changed(next, child.calls[next]!.ask, "no call came");
    this.#heard++;
    this.#now = at;
    this.#again();
    if (result!.ok) made.resolve(copyJson(result!.output));
    else made.reject(new ScriptCallFailed(result!.error));
  }

  #threw(thrown: unknown): void {
    if (thrown instanceof ScriptCallFailed) return this.#settled(failed(thrown.error, thrown));
    const settled = failure(thrown, { node: this.path, attempt: 0 });
    if (settled.ok || settled.error.code !== "STEP_FAILED") return this.#settled(settled);
    this.#settled({ ...settled, error: { ...settled.error, code: "SCRIPT_FAILED" } });
  }

  #finish(child: ScriptCalls, end: Settled): void {
    const missing = child.calls[this.#made.length];
    if (missing !== undefined) return this.#changed(this.#made.length, missing.ask, "the function ended");
    const forgotten = this.#made.findIndex(({ promise }) => !promise.isAwaited);
    if (!end.ok || forgotten < 0) return this.#ended(end);
    this.#fail(unawaited(this.path, forgotten, child.calls[forgotten]!.ask));
  }

  /** False where no further call may be recorded. */
  #mayAsk({ calls }: ScriptCalls, ask: Ask): boolean {
    const { path, node, run } = this;
    const { payloadMax } = this.#host;
    const isFull = run.state.entries >= HISTORY_MAX;
    if (calls.length >= node.max) this.#fail(atItsEnd("SCRIPT_EXHAUSTED", path, ask, node.max));
    else if (isFull) this.#fail(atItsEnd("HISTORY_TOO_LONG", path, ask, HISTORY_MAX));
    else {
      const size = JSON.stringify(ask).length;
      if (size > payloadMax) throw tooLarge(path, ask, size, payloadMax);
      return true;
    }
    return false;
  }

  /** A call that follows from no answer: what came before it was none of the script's. */
  #strayed(make: () => Asking): TenfoldError {
    return this.#left(`${askText(make().ask)} was called while it awaited other things than its calls`);
  }

  /** What is done outside of its context cannot be replayed: it fails. */
  #left(happened: string): TenfoldError {
    const error = outside(this.path, happened);
    this.#fail({ code: error.code, message: error.message, node: this.path, attempt: 0 });
    return error;
  }

  #changed(call: number, expected: Ask, came: string): void {
    const { run, path } = this;
    this.#leave();
    this.#host.hold(run, changed(path, call, expected, came));
  }

  #fail(error: RunError): void {
    this.#ended(failed(error, undefined));
  }

  #ended(end: Settled): void {
    this.#end = end;
    this.#leave();
    this.#host.ended(this, end);
  }

  #leave(): void {
    this.drop();
    if (this.run.scripts.get(this.path) === this) this.run.forgetScript(this);
    if (!this.run.isGone) this.#host.rested(this.run);
  }

  #setBusy(isBusy: boolean): void {
    if (isBusy === this.#isBusy) return;
    this.#isBusy = isBusy;
    this.run.busyScripts += isBusy ? 1 : -1;
  }
}

function failed(error: RunError, thrown: unknown): Settled {
  return { ok: false, error, isFinal: true, thrown };
}
