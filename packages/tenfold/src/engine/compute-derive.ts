/** A derive computed by the driver: its function is called with copies, and what it throws is its failure. */
import type { RunError } from "../core/entry.ts";
import { outputFrom, type Place } from "../core/state.ts";
import { evaluate } from "../flow/evaluate.ts";
import { copyJson, jsonProblem, pathText, type Json } from "../value/json.ts";
import { failure, type Settled } from "./body.ts";
import type { LiveRun } from "./live-run.ts";

/** Computes a derive from copies of its inputs: what it changes in them changes nothing that is recorded. */
export function computeDerive(
  run: LiveRun,
  place: Place,
  path: string,
  compute: (...inputs: never[]) => unknown,
): Settled {
  const { node } = place.node;
  const inputs = node.kind === "derive" ? node.inputs : [];
  try {
    const read = outputFrom(run.state.compiled, place.frame);
    const output = compute(...(inputs.map((input) => copyJson(evaluate(input, read))) as never[]));
    const problem = output === undefined ? undefined : jsonProblem(output);
    if (problem === undefined) return { ok: true, output: output as Json | undefined };
    const message = `${path} computed what is not JSON at ${pathText(problem.path) || "its top"}: ${problem.reason}.`;
    const error: RunError = { code: "NOT_JSON", message, node: path, attempt: 0 };
    return { ok: false, error, isFinal: true, thrown: undefined };
  } catch (thrown) {
    return failure(thrown, { node: path, attempt: 0 });
  }
}
