/** Each construct takes in a simulation what it has to: its steps, its times, and those who are waited for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Model } from "../../src/capacity/model/model.ts";
import { Simulation, type Watch } from "../../src/capacity/simulator/simulation.ts";
import { worldOf } from "../../src/capacity/simulator/world.ts";
import type { WorkflowDefinition } from "../../src/flow/definition.ts";
import { MINUTE, stepOf, untyped, workflowOf } from "../engine/world.ts";

const { after, approval, attempt, call, derive, each, eq, match, repeat, script, sleep, sleepUntil, waitFor, when } = untyped; // prettier-ignore
const nothing = (): void => {};
/** Steps are called after how long they take (ms), but for this one, which fails, three times of 5 ms. */
const ten = stepOf("ten", nothing);
const hundred = stepOf("hundred", nothing);
const bad = stepOf("bad", nothing, { retry: { attempts: 3, first: "20ms", backoff: "constant", jitter: "none" } });
const undoable = stepOf("undoable", nothing, { undo: nothing });
const slow = stepOf("slow", nothing, { timeout: "30ms", retry: { attempts: 2, first: "10ms", jitter: "none" } });
const STEPS: Model["steps"] = {
  ten: { takes: { kind: "fixed", value: 10 } },
  hundred: { takes: { kind: "fixed", value: 100 } },
  bad: { takes: { kind: "fixed", value: 5 }, fails: 1 },
  undoable: { takes: { kind: "fixed", value: 7 } },
  slow: { takes: { kind: "fixed", value: 1000 } },
};

type Of = Omit<Model["workflows"][string], "arrivals">;

/** When the run of the first workflow ended (ms), and how. */
function ended(
  flows: readonly WorkflowDefinition[],
  of: (idOf: (kind: string) => string) => Of,
): readonly [number, string] {
  const [first] = flows;
  const idOf = (kind: string): string => first!.graph.nodes.find((node) => node.kind === kind)!.id;
  const workflows = Object.fromEntries(flows.map(({ name }, nth) => [name, { arrivals: nth > 0 ? null : { kind: "times", at: [0] } as const, ...of(idOf) }])); // prettier-ignore
  const world = worldOf(flows, { workflows, steps: STEPS, workers: { count: 1, slots: 1000 }, store: null });
  let end: readonly [number, string] = [-1, ""];
  const watch: Watch = {
    ...{ came: nothing, asked: nothing, began: nothing, settled: nothing },
    ended: (run) => void (run.workflow.name === first!.name && (end = [simulation.now, run.ending!.kind])),
  };
  const simulation: Simulation = new Simulation(world, 5, watch);
  simulation.runUntil(Infinity);
  assert.equal(simulation.inFlight, 0, "all runs have ended");
  return end;
}

const child = workflowOf("child", (n) => hundred(ten(n)));
const fixed = (value: number) => ({ kind: "fixed", value }) as const;

const CASES: readonly (readonly [what: string, flow: (input: any) => unknown, ms: number, how?: string, of?: (idOf: (kind: string) => string) => Of])[] = [
  ["nothing at all", (n) => n, 0],
  ["steps in a row", (n) => hundred(ten(n)), 110],
  ["steps side by side", (n) => [hundred(n), ten(n)], 100],
  ["order without data", (n) => after(ten(n), () => hundred(n)), 110],
  ["a derive", (n) => ten(derive(ten.as("one")(n), (x: unknown) => x)), 20],
  ["an each of three", (n) => each(n, (x: any) => hundred(x)), 100, "finish", (id) => ({ items: { [id("each")]: fixed(3) } })],
  ["an each of three, one at a time", (n) => each(n, (x: any) => hundred(x), { concurrency: 1 }), 300, "finish", (id) => ({ items: { [id("each")]: fixed(3) } })],
  ["an each of none", (n) => each(n, (x: any) => hundred(x)), 0, "finish", (id) => ({ items: { [id("each")]: fixed(0) } })],
  ["an each that collects failures", (n) => each(n, (x: any) => bad(x), { onError: "collect" }), 55, "finish", (id) => ({ items: { [id("each")]: fixed(2) } })],
  ["an arm of a match", (n) => match(n.kind, { a: () => ten(n), b: () => hundred(n) }), 100, "finish", (id) => ({ arms: { [id("match")]: { a: 0, b: 1 } } })],
  ["a when that does nothing", (n) => when(eq(n, 1), () => hundred(n)), 0, "finish", (id) => ({ arms: { [id("match")]: { "": 1 } } })],
  ["four rounds", (n) => repeat(n, (x: any) => ten(x), { until: (x: any) => eq(x, 1), max: 9 }), 40, "finish", (id) => ({ rounds: { [id("repeat")]: fixed(4) } })],
  ["more rounds than there may be", (n) => repeat(n, (x: any) => ten(x), { until: (x: any) => eq(x, 1), max: 2 }), 20, "fail", (id) => ({ rounds: { [id("repeat")]: fixed(4) } })],
  ["a sleep", (n) => after(sleep("1m"), () => ten(n)), MINUTE + 10],
  ["a sleep until a moment", (n) => sleepUntil(n.due), 2000, "finish", (id) => ({ waits: { [id("sleep")]: fixed(2000) } })],
  ["a signal", () => ten(waitFor("paid")), 3010, "finish", (id) => ({ waits: { [id("wait")]: fixed(3000) } })],
  ["a signal that does not come in time", (n) => waitFor("paid", { timeout: "1s", otherwise: () => hundred(n) }), 1100, "finish", (id) => ({ waits: { [id("wait")]: fixed(3000) } })],
  ["people who decide", (n) => approval({ ask: n, by: { atLeast: 2, anyOf: "role:finance" }, show: (token: any) => ten(token) }), 5000, "finish", (id) => ({ waits: { [id("approval")]: fixed(5000) } })],
  ["people who do not", (n) => approval({ ask: n, timeout: "2s", remind: "1s", show: (token: any) => ten(token) }), 2000, "finish", (id) => ({ waits: { [id("approval")]: fixed(5000) } })],
  ["an attempt that fails, and its handler", (n) => attempt(() => bad(n), () => hundred(n)), 155],
  ["what is undone before the handler", (n) => attempt(() => bad(undoable(n)), () => ten(n)), 7 + 55 + 7 + 10],
  ["a run that fails, and what it undoes", (n) => bad(undoable(n)), 7 + 55 + 7, "fail"],
  ["attempts that are cut off", (n) => slow(n), 30 + 10 + 30, "fail"],
  ["a child", (n) => ten.as("then")(call(child, n)), 120],
  ["a script, which takes what it takes", (n) => ten(script("talk", async () => 1)(n)), 710, "finish", (id) => ({ waits: { [id("script")]: fixed(700) } })],
]; // prettier-ignore

for (const [what, flow, ms, how = "finish", of = () => ({})] of CASES) {
  test(`${what} takes what it has to`, () => {
    assert.deepEqual(ended([workflowOf("w", flow), child], of), [ms, how]);
  });
}
