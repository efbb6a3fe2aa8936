/**
 * The function of one script in memory. It is called from its start whenever the run is loaded, and led to where it was: its
 * calls are compared with the recorded ones, and what came of these is told in the order of the journal.
 * Invariants: one answer is told at a time, and the next once the function has come to rest, which is when every promise that
 * could settle has; so it makes the same calls in the same order each time, if it awaits nothing but them. A function that is
 * dropped is told nothing any more.
 */
import { failuresGoneOnFrom } from "../core/constructs/script-failures.ts";
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
import { askText, REFUSED_MAX, type Asking, type CalledStep } from "./script-calls.ts";
import { scriptContext, type ContextScript } from "./script-context.ts";
import {
  ScriptCallFailed,
  atItsEnd,
  changed,
  failed,
  otherCall,
  outside,
  thrownBy,
  tooLarge,
  unawaited,
  type Failed,
} from "./script-errors.ts";
import { outsideOfFunctions, ScriptBranches } from "./script-branches.ts";
import type { ScriptHost } from "./script-host.ts";
import type { Execute, ScriptInMemory } from "./script-in-memory.ts";
import { failedFunction } from "./script-rehearsal.ts";
import { settling, type Settling } from "./script-promise.ts";

/** Why a call is not made. */
interface Refused {
  readonly refused: unknown;
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
  /** Calls that were refused since it was last told something. */
  #refused = 0;
  readonly #branches = new ScriptBranches();
  /** The function knows that its context is of no use any more. */
  #hasSaid = false;
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
    const asked = outsideOfFunctions(() => this.#ask(make));
    // Within the function: whose branch it is is known then.
    return "refused" in asked ? Promise.reject(asked.refused as Error) : asked;
  }

  #ask(make: () => Asking): Promise<unknown> | Refused {
    if (this.#end !== null) return this.#tooLate();
    const child = this.#calls;
    if (this.#isGone || child === undefined) return new Promise(() => {});
    if (!this.#isAwake) throw this.#strayed(make);
    const asking = this.#asking(child, make);
    if (asking === null) return new Promise(() => {});
    if ("refused" in asking) return asking;
    const { ask, step } = asking;
    const call = this.#made.length;
    const known = child.calls[call];
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

  /** What is asked for; null: nothing more may be. A call that is refused fails the script where nobody seems to hear of it. */
  #asking(child: ScriptCalls, make: () => Asking): Asking | Refused | null {
    try {
      const asking = make();
      const isKnown = this.#made.length < child.calls.length;
      return isKnown || this.#mayAsk(child, asking.ask) ? asking : null;
    } catch (refused) {
      if (++this.#refused < REFUSED_MAX) return { refused };
      this.#ended(failure(refused, { node: this.path, attempt: 0 }));
      return null;
    }
  }

  /** It is said once: a loop that goes on whatever is thrown would never let go of its worker. */
  #tooLate(): Promise<never> {
    if (this.#hasSaid) return new Promise(() => {});
    this.#hasSaid = true;
    throw outside(this.path, "it was used after its script had ended");
  }

  /** Its calls; undefined where it is not to go on. */
  get #calls(): ScriptCalls | undefined {
    const { run, place } = this;
    if (run.isGone || run.ending !== null || run.state.cancelled !== null) return undefined;
    return placeAt(run.state, this.path)?.frame === place.frame ? openScriptCalls(place) : undefined;
  }

  #turn(): void {
    this.#isAwake = false;
    const child = this.#wanted();
    if (child === undefined) return;
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

  /** Its calls; undefined where it is not to go on now: it has left then. */
  #wanted(): ScriptCalls | undefined {
    if (this.#isGone) return undefined;
    const child = this.#calls;
    if (child !== undefined && !this.#host.isDraining) return child;
    if (child !== undefined) this.run.wakesNow = true;
    this.#leave();
    return undefined;
  }

  #again(): void {
    this.#isAwake = true;
    this.#refused = 0;
    this.#host.ports.clock.soon(() => this.#turn());
  }

  #call(): void {
    this.#isCalled = true;
    this.#again();
    try {
      Promise.resolve(this.#perform(this, this.#branches)).then(
        (output) => this.#settled(checked(output, { node: this.path, attempt: 0 })),
        (thrown) => this.#threw(thrown),
      );
    } catch (thrown) {
      this.#threw(thrown);
    }
  }

  #perform(script: ContextScript, branches: ScriptBranches): unknown {
    const input = scriptInput(this.run.state, this.place);
    const context = scriptContext(script, this.#host.ports.log);
    const given = input.ok ? copyJson(input.output) : null;
    return branches.within(() => this.#body(context as never, given as never));
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
    this.#settled(thrownBy(this.path, thrown));
  }

  #finish(child: ScriptCalls, end: Settled): void {
    const missing = child.calls[this.#made.length];
    if (missing !== undefined) return this.#changed(this.#made.length, missing.ask, "the function ended");
    const branch = end.ok ? this.#branches.failure : null;
    if (branch !== null) return this.#finish(child, thrownBy(this.path, branch.thrown));
    if (!end.ok) return failuresGoneOnFrom(child).length === 0 ? this.#ended(end) : void this.#rehearse(child, end);
    const forgotten = this.#made.findIndex(({ promise }) => !promise.isAwaited);
    if (forgotten < 0) return this.#ended(end);
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
    this.#hasSaid = true;
    let called = "what is no call";
    try {
      called = askText(make().ask);
    } catch {
      // That it was made at all is what fails the script.
    }
    return this.#left(`${called} was called while it awaited other things than its calls`);
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

  #ended(end: Settled, harmless?: readonly number[]): void {
    this.#end = end;
    this.#leave();
    this.#host.ended(this.run, this, end, harmless);
  }

  /** It has failed: a retry is to take back what it can. */
  async #rehearse(child: ScriptCalls, end: Failed): Promise<void> {
    const { path, node, run, place } = this;
    const beganAt = place.frame.readyAt[place.node.local]!;
    const { clock } = this.#host.ports;
    const isWanted = () => !this.#isGone && !this.#host.isDraining && this.#calls !== undefined;
    const perform = (script: ContextScript) => this.#perform(script, new ScriptBranches());
    const rehearsed = { ...{ path, node, run, beganAt, clock }, isWanted, perform };
    const { error, harmless } = await failedFunction(rehearsed, child, end.error);
    if (this.#wanted() !== undefined) this.#ended({ ...end, error }, harmless);
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
