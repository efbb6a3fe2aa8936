/**
 * The functions of a life's scripts, which run random programs: each is at rest before anything else happens.
 * Invariant: a program that is run again, after a loading, makes the calls that are recorded of it.
 */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { openScriptCalls, scriptInput } from "../../src/core/constructs/script.ts";
import type { Entry, RunError } from "../../src/core/entry.ts";
import { placeAt } from "../../src/core/path.ts";
import type { Frame, Place, RunState, ScriptCalls } from "../../src/core/state.ts";
import { programOf } from "../../src/testing/simulator/random-script.ts";
import { ProgramRun } from "./program-run.ts";

/** The life that they belong to. */
export interface ScriptedLife {
  readonly state: RunState;
  readonly endings: readonly unknown[];
  readonly at: number;
  pathOf(place: Place): string;
  record(entry: Entry): void;
}

interface LiveProgram {
  readonly frame: Frame;
  readonly run: ProgramRun;
  /** How many of its calls were compared with those recorded, or recorded. */
  asked: number;
}

export class LifeScripts {
  readonly #life: ScriptedLife;
  readonly #programs = new Map<string, LiveProgram>();
  readonly #stirred: Place[] = [];
  #isTelling = false;

  constructor(life: ScriptedLife) {
    this.#life = life;
  }

  /** The script is to be called, or told something. */
  stir(place: Place, isAnew: boolean): void {
    if (isAnew) this.#programs.delete(this.#life.pathOf(place));
    this.#stirred.push(place);
  }

  tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let place = this.#stirred.shift(); place !== undefined; place = this.#stirred.shift())
      this.#bringToRest(place);
    this.#isTelling = false;
  }

  #bringToRest(place: Place): void {
    const { state, endings } = this.#life;
    const path = this.#life.pathOf(place);
    // What stands in a part that was given up is found by nobody any more.
    const child = placeAt(state, path)?.frame === place.frame ? openScriptCalls(place) : undefined;
    if (child === undefined || state.cancelled !== null || endings.length > 0) {
      this.#programs.delete(path);
      return;
    }
    const live = this.#liveAt(place, path);
    const { run } = live;
    for (;;) {
      for (; live.asked < run.asks.length; live.asked++) this.#asked(path, child, run, live.asked);
      const answer = child.answers[run.heard];
      if (answer === undefined || run.end !== null) break;
      run.tell(answer.call, child.calls[answer.call]!.result!, answer.at);
    }
    assert.equal(live.asked, child.calls.length, "a replay makes all calls that are recorded");
    if (run.end === null) return;
    this.#programs.delete(path);
    const { at } = this.#life;
    const ended = { node: path, at, attempt: 0, tookMs: 0 };
    if (run.end.ok) this.#life.record({ kind: "done", ...ended, output: run.end.output });
    else {
      const harmless = this.#harmless(place, child, run.end.error);
      const said = harmless.length === 0 ? {} : { harmless };
      this.#life.record({ kind: "failed", ...ended, error: run.end.error, retryAt: null, ...said });
    }
  }

  /** Failed calls which no other follows from, of those that were heard before the last call. */
  #harmless(place: Place, child: ScriptCalls, error: RunError): readonly number[] {
    const heard = child.answers.slice(0, child.calls.at(-1)?.heard ?? 0);
    const failures = heard.filter(({ call }) => !child.calls[call]!.result!.ok).map(({ call }) => call);
    const own = failures.filter((call) => {
      const result = child.calls[call]!.result!;
      return !result.ok && result.error === error;
    });
    const isSameWithout = (gone: readonly number[]): boolean => {
      const run = this.#newRun(place, this.#life.pathOf(place));
      const heardAtCall: number[] = [];
      const note = (): void => run.asks.slice(heardAtCall.length).forEach(() => heardAtCall.push(run.heard));
      note();
      for (const { call, at } of heard) {
        if (gone.includes(call) || run.end !== null || run.asks.length <= call) continue;
        run.tell(call, child.calls[call]!.result!, at);
        note();
      }
      const expected = child.calls.map(({ ask, heard: count }) => {
        return { ask, heard: count - heard.slice(0, count).filter(({ call }) => gone.includes(call)).length };
      });
      const made = run.asks.map((ask, index) => ({ ask, heard: heardAtCall[index]! }));
      return isDeepStrictEqual(made.slice(0, expected.length), expected);
    };
    return [failures, own].find((gone) => gone.length > 0 && isSameWithout(gone)) ?? [];
  }

  #liveAt(place: Place, path: string): LiveProgram {
    const { frame } = place;
    const known = this.#programs.get(path);
    if (known !== undefined && known.frame === frame) return known;
    const live: LiveProgram = { frame, run: this.#newRun(place, path), asked: 0 };
    this.#programs.set(path, live);
    return live;
  }

  #newRun(place: Place, path: string): ProgramRun {
    const { frame, node } = place;
    if (node.node.kind !== "script") throw new Error("only a script has a function");
    const input = scriptInput(this.#life.state, place);
    const given = input.ok ? (input.output ?? null) : null;
    return new ProgramRun(programOf(node.node.script), given, path, frame.readyAt[node.local]!);
  }

  #asked(node: string, { calls }: ScriptCalls, { asks, heard }: ProgramRun, call: number): void {
    const known = calls[call];
    const ask = asks[call]!;
    if (known === undefined) return this.#life.record({ kind: "asked", node, at: this.#life.at, call, heard, ask });
    assert.deepEqual({ ask: known.ask, heard: known.heard }, { ask, heard }, "a replay makes the recorded calls");
  }
}
