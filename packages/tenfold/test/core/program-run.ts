/** A random script's program, run without promises: what it calls follows at once from what it is told. */
import type { Ask } from "../../src/core/entry.ts";
import type { ScriptCall } from "../../src/core/state.ts";
import { STEPS } from "../../src/testing/simulator/interpreter.ts";
import type { Program } from "../../src/testing/simulator/random-script.ts";
import type { Json } from "../../src/value/json.ts";

type Result = NonNullable<ScriptCall["result"]>;
type Told = (result: Result) => void;

export class ProgramRun {
  readonly asks: Ask[] = [];
  end: Result | null = null;
  heard = 0;
  #now: number;
  readonly #waiting: Told[] = [];
  readonly #path: string;

  constructor(program: Program, given: Json, path: string, now: number) {
    this.#now = now;
    this.#path = path;
    this.#run(program, 0, given, (result) => (this.end = result));
  }

  tell(call: number, result: Result, at: number): void {
    this.heard++;
    this.#now = at;
    this.#waiting[call]!(result);
  }

  #ask(ask: Ask, told: Told): void {
    this.asks.push(ask);
    this.#waiting.push(told);
  }

  #run(program: Program, index: number, seen: Json, told: Told): void {
    const statement = program[index];
    if (statement === undefined) return told({ ok: true, output: seen });
    const goOn = (next: Json): void => this.#run(program, index + 1, next, told);
    switch (statement.kind) {
      case "step": {
        const ask = stepAsked(statement, { seen });
        return this.#ask(ask, (result) => (result.ok ? goOn(result.output ?? null) : told(result)));
      }
      case "branches":
        return this.#branches(statement.branches, seen, (result) => (result.ok ? goOn(result.output!) : told(result)));
      case "caught":
        return this.#run(statement.program, 0, seen, (result) => goOn(result.ok ? result.output! : { caught: seen }));
      case "told":
        return this.#run(statement.program, 0, seen, (result) => {
          if (result.ok) return goOn(result.output ?? null);
          this.#ask(stepAsked(statement, null), () => told(result));
        });
      case "sleep":
        return this.#ask({ kind: "sleep", name: "sleep", forMs: statement.ms }, () => goOn(seen));
      case "wait":
      case "vain": {
        const signal = statement.kind === "wait" ? statement.signal : "never";
        const timeoutMs = statement.kind === "wait" ? null : statement.ms;
        const ask: Ask = { kind: "wait", name: `wait-${signal}`, signal, for: null, timeoutMs };
        return this.#ask(ask, (result) =>
          goOn(statement.kind === "wait" && result.ok ? (result.output ?? null) : seen),
        );
      }
      case "draw":
        return this.#ask(stepAsked(statement, { at: this.#now }), () => goOn(seen));
      case "race": {
        let isOver = false;
        const first = (): void => {
          if (isOver) return;
          isOver = true;
          goOn(seen);
        };
        this.#ask(stepAsked(statement, null), first);
        return this.#ask({ kind: "sleep", name: "sleep", forMs: statement.ms }, first);
      }
      case "throw": {
        const isOdd = typeof seen === "object" && seen !== null && "n" in seen && Number(seen.n) % 2 === 1;
        if (!isOdd) return goOn(seen);
        told({ ok: false, error: { code: "SCRIPT_FAILED", message: "it is odd", node: this.#path, attempt: 0 } });
      }
    }
  }

  #branches(branches: readonly Program[], seen: Json, told: Told): void {
    const results: Result[] = [];
    let left = branches.length;
    branches.forEach((branch, index) => {
      this.#run(branch, 0, seen, (result) => {
        results[index] = result;
        if (--left > 0) return;
        const failed = results.find(({ ok }) => !ok);
        told(failed ?? { ok: true, output: results.map((each) => (each.ok ? each.output! : null)) });
      });
    });
  }
}

function stepAsked({ name, step }: { readonly name: string; readonly step: number }, input: Json): Ask {
  return { kind: "step", name, step: STEPS[step]!, input };
}
