/**
 * The driver's scripts: has their functions called, told of answers and dropped, and finds the code of what they call.
 * Invariant: a function is in memory where its run is, at most once.
 */
import type { AskedEntry, RunError } from "../core/entry.ts";
import { pathOf } from "../core/path.ts";
import type { Place } from "../core/state.ts";
import type { Settled } from "./body.ts";
import { codeGone } from "./held.ts";
import type { LiveRun } from "./live-run.ts";
import { LiveScript } from "./live-script.ts";
import type { Ports } from "./ports.ts";
import type { Recorder, ScriptCaller } from "./recorder.ts";
import type { Registry, StepPlan } from "./registry.ts";
import type { ScriptHost } from "./script-host.ts";
import type { Execute, ScriptInMemory } from "./script-in-memory.ts";

/** The driver, as far as it drives scripts. */
export interface ScriptsHost {
  readonly ports: Ports;
  readonly registry: Registry;
  readonly payloadMax: number;
  readonly isDraining: boolean;
  hold(run: LiveRun, error: RunError): void;
  /** What led to this command is durable. */
  execute(run: LiveRun, command: Execute): void;
  /** Something of the run is to be written, or it may be parked. */
  changed(run: LiveRun): void;
}

export class Scripts implements ScriptHost, ScriptCaller {
  readonly #host: ScriptsHost;
  readonly #recorder: Recorder;

  constructor(host: ScriptsHost, recorder: Recorder) {
    this.#host = host;
    this.#recorder = recorder;
  }

  get ports(): Ports {
    return this.#host.ports;
  }

  get payloadMax(): number {
    return this.#host.payloadMax;
  }

  get isDraining(): boolean {
    return this.#host.isDraining;
  }

  call(run: LiveRun, place: Place, isAnew: boolean): void {
    const known = this.#at(run, place);
    if (known !== undefined && !isAnew) return known.stir();
    known?.drop();
    const body = run.plan.scripts[place.node.index];
    if (body === undefined) {
      this.#host.hold(run, codeGone(run.context.workflow, place.node.node.id, "function"));
    } else run.addScript(new LiveScript(this, run, place, body));
  }

  answered(run: LiveRun, place: Place): void {
    const script = this.#at(run, place);
    // Whoever drives the run next calls it again, and tells it.
    if (script === undefined) run.wakesNow = true;
    else script.stir();
  }

  /** How to execute a call of a script; undefined: later, once its function has come to it. */
  stepOf(run: LiveRun, place: Place, attempt: number): StepPlan | undefined {
    const { frame, node } = place;
    const owner = run.state.compiled.nodes[frame.scope.owner]!;
    const script = this.#at(run, { frame: frame.parent!, node: owner });
    if (script === undefined) {
      this.#host.hold(run, codeGone(run.context.workflow, node.node.id, "step"));
      return undefined;
    }
    const step = script.stepOf(frame.item, { kind: "execute", place, attempt });
    if (step === undefined) return undefined;
    const { registry, ports } = this.#host;
    return registry.planOf(ports.executor.prepare?.(step.definition) ?? step.definition, step.overrides);
  }

  #at(run: LiveRun, { frame, node }: Place): ScriptInMemory | undefined {
    const script = run.scripts.get(pathOf(run.state.compiled, frame, node));
    return script?.place.frame === frame ? script : undefined;
  }

  asked(run: LiveRun, place: Place, entry: AskedEntry): void {
    this.#recorder.asked(run, place, entry);
    this.#host.changed(run);
  }

  ended(run: LiveRun, { place, path }: ScriptInMemory, settled: Settled, harmless?: readonly number[]): void {
    this.#recorder.scriptEnded(run, place, path, settled, harmless);
    this.#host.changed(run);
  }

  hold(run: LiveRun, error: RunError): void {
    this.#host.hold(run, error);
  }

  execute(run: LiveRun, command: Execute): void {
    this.#host.execute(run, command);
  }

  rested(run: LiveRun): void {
    this.#host.changed(run);
  }
}
