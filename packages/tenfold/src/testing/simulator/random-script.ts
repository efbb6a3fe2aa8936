/**
 * Random scripts, as programs that are known by their names alone: a real script runs one through its context, the
 * interpreter reads it, and both must come to the same.
 * Invariant: what a program answers does not hang on how its branches interleave; its calls are named, since their numbers do.
 */
import type { ScriptContext } from "../../flow/script-context.ts";
import type { Json } from "../../value/json.ts";
import { seededRandom } from "../../value/random.ts";

export type Statement =
  /** Goes on with what the step answers to what was seen so far. */
  | { readonly kind: "step"; readonly name: string; readonly step: number }
  /** Two things at once: goes on with both, once both have come. */
  | { readonly kind: "branches"; readonly branches: readonly Program[] }
  /** Goes on with what was seen, if the program fails. */
  | { readonly kind: "caught"; readonly program: Program }
  /** Fails as the program does, once somebody was told of it. */
  | { readonly kind: "told"; readonly program: Program; readonly name: string; readonly step: number }
  | { readonly kind: "sleep"; readonly ms: number }
  | { readonly kind: "wait"; readonly signal: string }
  /** Waits for a signal that nobody sends. */
  | { readonly kind: "vain"; readonly ms: number }
  /** Calls with what chance and time are to a script, and does not look at what comes of it. */
  | { readonly kind: "draw"; readonly name: string; readonly step: number }
  /** Goes on with whatever is first. */
  | { readonly kind: "race"; readonly name: string; readonly step: number; readonly ms: number }
  /** Fails the script if the number that was seen is odd. */
  | { readonly kind: "throw" };

export type Program = readonly Statement[];

/** The program of the script of this name. */
export function programOf(script: string): Program {
  const random = seededRandom(script);
  const below = (limit: number): number => Math.floor(random() * limit);
  let serial = 0;
  const named = () => ({ name: `k${serial++}`, step: below(4) });
  const draw = (depth: number, most: number): Program =>
    Array.from({ length: 1 + below(most) }, () => statement(depth));
  const statement = (depth: number): Statement => {
    const chance = random();
    if (chance < 0.4) return { kind: "step", ...named() };
    if (chance < 0.55 && depth < 2) return { kind: "branches", branches: [draw(depth + 1, 2), draw(depth + 1, 2)] };
    if (chance < 0.62 && depth < 2) return { kind: "caught", program: draw(depth + 1, 3) };
    if (chance < 0.65 && depth < 2) return { kind: "told", program: draw(depth + 1, 2), ...named() };
    if (chance < 0.75) return { kind: "sleep", ms: below(8000) };
    if (chance < 0.8) return { kind: "wait", signal: "paid" };
    if (chance < 0.84) return { kind: "vain", ms: below(5000) };
    if (chance < 0.93) return { kind: "draw", ...named() };
    if (chance < 0.98) return { kind: "race", ...named(), ms: below(300) };
    return { kind: "throw" };
  };
  return draw(0, 4);
}

/** Runs a program through the context of a real script; `steps` are those that its statements name by number. */
export async function runProgram(
  program: Program,
  ctx: ScriptContext,
  steps: readonly any[],
  given: Json,
): Promise<Json> {
  let seen = given;
  for (const statement of program) {
    switch (statement.kind) {
      case "step":
        seen = (await ctx.call(steps[statement.step].as(statement.name), { seen })) as Json;
        break;
      case "branches": {
        const before = seen;
        seen = await ctx.all(statement.branches.map((branch) => runProgram(branch, ctx, steps, before)));
        break;
      }
      case "caught":
        seen = await runProgram(statement.program, ctx, steps, seen).catch(() => ({ caught: seen }));
        break;
      case "told":
        try {
          seen = await runProgram(statement.program, ctx, steps, seen);
        } catch (thrown) {
          await ctx.call(steps[statement.step].as(statement.name), null).catch(() => null);
          throw thrown;
        }
        break;
      case "sleep":
        await ctx.sleep(statement.ms);
        break;
      case "wait":
        seen = await ctx.waitFor<Json>(statement.signal);
        break;
      case "vain":
        await ctx.waitFor("never", { timeout: statement.ms }).catch(() => null);
        break;
      case "draw": {
        const drawn = { at: ctx.now(), chance: ctx.random(), id: ctx.uuid() };
        await ctx.call(steps[statement.step].as(statement.name), drawn).catch(() => null);
        break;
      }
      case "race": {
        const call = ctx.call(steps[statement.step].as(statement.name), null).catch(() => null);
        await Promise.race([call, ctx.sleep(statement.ms)]);
        break;
      }
      case "throw":
        if (isOdd(seen)) throw new Error("it is odd");
    }
  }
  return seen;
}

/** What a program comes to from outside of its script. */
export interface ProgramOutside {
  /** Undefined: the step fails. */
  callOf(name: string, step: number, input: Json): { readonly output: Json } | undefined;
  /** A call that may come to its end or not. */
  maybe(name: string): void;
  signalOf(signal: string): Json;
  /** The script itself throws. */
  threw(): void;
}

/** What a program answers; undefined: it fails. */
export function interpretProgram(program: Program, given: Json, outside: ProgramOutside): { seen: Json } | undefined {
  let seen = given;
  for (const statement of program) {
    switch (statement.kind) {
      case "step": {
        const answer = outside.callOf(statement.name, statement.step, { seen });
        if (answer === undefined) return undefined;
        seen = answer.output;
        break;
      }
      case "branches": {
        const before = seen;
        const found = statement.branches.map((branch) => interpretProgram(branch, before, outside));
        if (found.includes(undefined)) return undefined;
        seen = found.map((branch) => branch!.seen);
        break;
      }
      case "caught":
        seen = (interpretProgram(statement.program, seen, outside) ?? { seen: { caught: seen } }).seen;
        break;
      case "told": {
        const found = interpretProgram(statement.program, seen, outside);
        if (found === undefined) {
          outside.callOf(statement.name, statement.step, null);
          return undefined;
        }
        seen = found.seen;
        break;
      }
      case "wait":
        seen = outside.signalOf(statement.signal);
        break;
      case "draw":
        outside.callOf(statement.name, statement.step, null);
        break;
      case "race":
        outside.maybe(statement.name);
        break;
      case "throw":
        if (!isOdd(seen)) break;
        outside.threw();
        return undefined;
      case "sleep":
      case "vain":
    }
  }
  return { seen };
}

function isOdd(seen: Json): boolean {
  const n = typeof seen === "object" && seen !== null && "n" in seen ? seen.n : 0;
  return typeof n === "number" && n % 2 === 1;
}

/** The path of a script's call without its number, which hangs on how branches interleave. */
export function pathOfCall(path: string): string {
  return path.replace(/\[\d+\](\/k\d+)$/, "$1");
}
