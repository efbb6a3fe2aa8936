/** A life's journal that is read on another graph, and tables of what does not fit one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileGraph } from "../../src/core/compile.ts";
import { replayOn, type Replayed } from "../../src/core/replay-on.ts";
import type { Graph } from "../../src/flow/graph.ts";
import type { Json } from "../../src/value/json.ts";
import { drawn, Life, NOW, RUN } from "./life.ts";

export function replayed({ compiled, input, entries }: Life, graph: Graph): Replayed {
  return replayOn({ from: compiled, to: compileGraph(graph) }, { run: RUN, input, startedAt: NOW }, entries);
}

/** What was drawn, what happened to it, what is drawn now, and the node and the reason that are told. */
export type Refusal = readonly [
  string,
  (input: any) => unknown,
  (life: Life) => void,
  (input: any) => unknown,
  string,
  RegExp,
];

/** A test for each: of a run that was started with `given`. */
export function testRefusals(refusals: readonly Refusal[], given: Json): void {
  for (const [what, was, happen, is, node, reason] of refusals) {
    test(`it is refused, and told where and why: ${what}`, () => {
      const life = Life.of(drawn(was), given);
      happen(life);
      const result = replayed(life, drawn(is).graph);
      assert.ok(result.kind === "misfit", "it fits");
      assert.equal(result.misfit.node, node);
      assert.match(result.misfit.reason, reason);
    });
  }
}
