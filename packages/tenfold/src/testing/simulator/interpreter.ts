/**
 * What a run must come to, found the slow and plain way: by recursion over the graph, without frames, counts or time.
 * It shares no code with core, so that the two can be compared.
 */
import { templatesOf, type Graph, type GraphNode, type Template } from "../../flow/graph.ts";
import type { Json, JsonPath } from "../../value/json.ts";
import { interpretProgram, programOf } from "./random-script.ts";

/** The steps that random workflows use. */
export const STEPS = ["north", "east", "south", "west"];

/** What becomes of a node's work: its output, or its failure for good. */
export type NodeFate = { readonly output: Json | undefined } | { readonly error: string };

/** The fate of the step `step` of the node at `path`, given its input. */
export type FateOf = (path: string, step: string, input: Json | undefined) => NodeFate;

/** What the signal carries that a wait without a timeout is sent; one with a timeout is sent none. */
export type SignalOf = (signal: string, whom: string | null) => Json | undefined;

/** What the people of an approval without a timeout come to; one with a timeout is decided by nobody. */
export type DecisionOf = (path: string) => Json;

/** What becomes of the child of the call at `path`. */
export type ChildOf = (path: string, workflow: string, input: Json | undefined) => NodeFate;

/** Computes a derive. */
export type ComputeOf = (node: string, inputs: readonly (Json | undefined)[]) => Json | undefined;

/** What comes from outside of a run. */
export interface Outside {
  readonly signalOf: SignalOf;
  readonly decisionOf: DecisionOf;
  readonly childOf: ChildOf;
}

export interface Expected {
  /** Undefined where the run must fail. */
  readonly output: Json | undefined;
  /** Paths of the nodes at which it may fail; empty: it must complete. */
  readonly failures: ReadonlySet<string>;
  /** Paths of the steps that must be done if the run completes, and of those that may be: in items that fail. */
  readonly done: ReadonlySet<string>;
  readonly maybe: ReadonlySet<string>;
}

interface Scope {
  readonly index: number;
  readonly prefix: string;
  readonly outer: Scope | null;
  readonly values: Map<number, Json | undefined>;
  readonly broken: Set<number>;
}

/** Interprets `graph` on `input`. */
export function interpret(
  graph: Graph,
  input: Json,
  fateOf: FateOf,
  computeOf: ComputeOf,
  { signalOf, decisionOf, childOf }: Outside,
): Expected {
  const failures = new Set<string>();
  const maybe = new Set<string>();
  let done = new Set<string>();
  const isBroken = Symbol("broken");
  type Value = Json | undefined | typeof isBroken;

  const lookUp = (scope: Scope, node: number): Value => {
    for (let around: Scope | null = scope; around !== null; around = around.outer) {
      if (around.broken.has(node)) return isBroken;
      if (around.values.has(node)) return around.values.get(node);
    }
    return isBroken;
  };

  const fill = (template: Template, scope: Scope): Value => {
    switch (template.kind) {
      case "constant":
        return template.value;
      case "ref": {
        const value = lookUp(scope, template.node);
        return value === isBroken ? isBroken : dig(value, template.path);
      }
      case "array": {
        const items = template.items.map((item) => fill(item, scope));
        return items.includes(isBroken) ? isBroken : (items.map((item) => item ?? null) as Json);
      }
      case "object": {
        const filled: Record<string, Json> = {};
        for (const [key, item] of template.entries) {
          const value = fill(item, scope);
          if (value === isBroken) return isBroken;
          if (value !== undefined) filled[key] = value as Json;
        }
        return filled;
      }
      case "expression": {
        const operands = template.operands.map((operand) => fill(operand, scope));
        return operands.includes(isBroken) ? isBroken : compute(template.operator, operands as (Json | undefined)[]);
      }
    }
  };

  const pathIn = (scope: Scope, node: GraphNode): string => {
    const own = graph.scopes[scope.index]!;
    const owner = own.owner < 0 ? "" : graph.nodes[own.owner]!.id;
    return scope.prefix + node.id.slice(owner.length);
  };

  /** Runs a scope; answers its output, or that it is broken. */
  const run = (scope: Scope, collects: Set<string> | null): Value => {
    for (const index of graph.scopes[scope.index]!.nodes) {
      const node = graph.nodes[index]!;
      if (node.kind === "input" || node.kind === "item") continue;
      const value = runNode(node, scope, collects);
      if (value === isBroken) scope.broken.add(index);
      else scope.values.set(index, value as Json | undefined);
    }
    return scope.broken.size > 0 ? isBroken : fill(graph.scopes[scope.index]!.output, scope);
  };

  const open = (index: number, prefix: string, outer: Scope, item: Json | undefined): Scope => {
    const scope: Scope = { index, prefix, outer, values: new Map(), broken: new Set() };
    const first = graph.scopes[index]!.nodes[0];
    if (first !== undefined && graph.nodes[first]!.kind === "item") scope.values.set(first, item);
    return scope;
  };

  /** What was done since then, in a part that failed, may have been done or not. */
  const keepAsMaybe = (before: Set<string>): void => {
    for (const inside of done) if (!before.has(inside)) maybe.add(inside);
    done = before;
  };

  const runNode = (
    node: Exclude<GraphNode, { kind: "input" | "item" }>,
    scope: Scope,
    collects: Set<string> | null,
  ): Value => {
    const path = pathIn(scope, node);
    if (node.after.some((before) => lookUp(scope, before) === isBroken)) return isBroken;
    switch (node.kind) {
      case "step": {
        const input = fill(node.input, scope);
        if (input === isBroken) return isBroken;
        const fate = fateOf(path, node.step, input as Json | undefined);
        if ("error" in fate) {
          (collects ?? failures).add(path);
          return isBroken;
        }
        done.add(path);
        return fate.output;
      }
      case "script": {
        const input = fill(node.input, scope);
        if (input === isBroken) return isBroken;
        const failed = new Set<string>();
        const found = interpretProgram(programOf(node.script), (input ?? null) as Json, {
          callOf: (name, step, given) => {
            const fate = fateOf(`${path}/${name}`, STEPS[step]!, given);
            if ("error" in fate) failed.add(`${path}/${name}`);
            else done.add(`${path}/${name}`);
            return "error" in fate ? undefined : { output: fate.output ?? null };
          },
          maybe: (name) => void maybe.add(`${path}/${name}`),
          signalOf: (signal) => signalOf(signal, null) ?? null,
          threw: () => void failed.add(path),
        });
        if (found !== undefined) return found.seen;
        for (const at of failed) (collects ?? failures).add(at);
        return isBroken;
      }
      case "call": {
        const input = fill(node.input, scope);
        if (input === isBroken) return isBroken;
        const fate = childOf(path, node.workflow, input as Json | undefined);
        if ("output" in fate) return fate.output;
        (collects ?? failures).add(path);
        return isBroken;
      }
      case "derive": {
        const inputs = node.inputs.map((item) => fill(item, scope));
        return inputs.includes(isBroken) ? isBroken : computeOf(node.id, inputs as (Json | undefined)[]);
      }
      case "sleep":
        return "at" in node.until && fill(node.until.at, scope) === isBroken ? isBroken : null;
      case "wait": {
        const whom = node.for === null ? null : fill(node.for, scope);
        if (whom === isBroken) return isBroken;
        if (node.timeoutMs === null) return signalOf(node.signal, whom === null ? null : String(whom));
        if (node.otherwise !== null) return run(open(node.otherwise, path, scope, undefined), collects);
        (collects ?? failures).add(path);
        return isBroken;
      }
      case "approval": {
        if (templatesOf(node).some((template) => fill(template, scope) === isBroken)) return isBroken;
        if (node.timeoutMs === null) return decisionOf(path);
        return { outcome: "timed-out", by: null, comment: null, approvals: [] };
      }
      case "attempt": {
        const caught = new Set<string>();
        const doneBefore = new Set(done);
        const value = run(open(node.body, path, scope, undefined), caught);
        if (value !== isBroken) return value;
        if (caught.size === 0) return isBroken;
        keepAsMaybe(doneBefore);
        return run(open(node.handler, path, scope, CAUGHT), collects);
      }
      case "repeat": {
        let state = fill(node.initial, scope);
        for (let round = 0; round < node.max && state !== isBroken; round++) {
          const value = run(open(node.body, `${path}[${round}]`, scope, state as Json), collects);
          if (value === isBroken) return isBroken;
          const [next, isLast] = value as readonly [Json, boolean];
          state = next;
          if (isLast || (round + 1 === node.max && node.onMax === "last")) return state;
        }
        if (state !== isBroken) (collects ?? failures).add(path);
        return isBroken;
      }
      case "match": {
        const on = fill(node.on, scope);
        if (on === isBroken) return isBroken;
        const label = String(on ?? null);
        const arm = node.arms.find(({ labels }) => labels.includes(label))?.scope ?? node.otherwise;
        if (arm === null) return undefined;
        return run(open(arm, path, scope, undefined), collects);
      }
      case "each": {
        const items = fill(node.items, scope);
        const enough = node.enough === undefined ? 0 : fill(node.enough.count, scope);
        if (items === isBroken || enough === isBroken) return isBroken;
        const doneBeforeAll = new Set(done);
        if ((items as readonly Json[]).length < Number(enough)) {
          (collects ?? failures).add(path);
          return isBroken;
        }
        const results = (items as readonly Json[]).map((item, index): Value => {
          const failed = node.onError === "collect" ? new Set<string>() : collects;
          const doneBefore = new Set(done);
          const value = run(open(node.body, `${path}[${index}]`, scope, item), failed);
          if (node.onError !== "collect") return value;
          if (value === isBroken) keepAsMaybe(doneBefore);
          if (value !== isBroken) return { ok: true, value: (value ?? null) as Json };
          return failed!.size > 0 ? { ok: false } : isBroken;
        });
        const failed = results.filter((result) => isFailedItem(result)).length;
        if (node.failAbove !== undefined && failed > limitOf(node.failAbove, results.length)) {
          (collects ?? failures).add(path);
          return isBroken;
        }
        if (results.includes(isBroken)) return isBroken;
        if (node.enough === undefined) return results.map((result) => result ?? null) as Json;
        if (results.length - failed < Number(enough)) {
          (collects ?? failures).add(path);
          return isBroken;
        }
        // Which of them were heard is a matter of time: nothing more is known than that enough were.
        if (node.enough.rest === "stop") keepAsMaybe(doneBeforeAll);
        return HEARD;
      }
    }
  };

  const root: Scope = { index: 0, prefix: "", outer: null, values: new Map([[0, input]]), broken: new Set() };
  const output = run(root, null);
  return { output: output === isBroken ? undefined : (output as Json | undefined), failures, done, maybe };
}

/** Which of the failing nodes was the first is a matter of time: nothing more is known of what is caught. */
const CAUGHT: Json = { code: "whatever" };
const HEARD: Json = ["whatever"];

function isFailedItem(result: unknown): boolean {
  return typeof result === "object" && result !== null && (result as { ok?: unknown }).ok === false;
}

function limitOf(failAbove: { readonly count: number } | { readonly share: number }, items: number): number {
  return "count" in failAbove ? failAbove.count : failAbove.share * items + 1e-9;
}

function dig(value: Json | undefined, path: JsonPath): Json | undefined {
  let found: Json | undefined = value;
  for (const part of path) {
    if (found === null || typeof found !== "object") return undefined;
    found = (found as Record<string | number, Json | undefined>)[part];
  }
  return found;
}

function compute(operator: string, operands: readonly (Json | undefined)[]): boolean {
  const [left, right] = operands as readonly never[];
  const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
  switch (operator) {
    case "eq":
      return same(left, right);
    case "gt":
      return left! > right!;
    case "gte":
      return left! >= right!;
    case "lt":
      return left! < right!;
    case "lte":
      return left! <= right!;
    case "oneOf":
      return (right as unknown as readonly Json[]).some((item) => same(item, left));
    case "present":
      return left !== null && left !== undefined;
    case "all":
      return operands.every((operand) => operand === true);
    case "any":
      return operands.some((operand) => operand === true);
    default:
      return left !== true;
  }
}
