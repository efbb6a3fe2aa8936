/** Which arm a match takes: evaluated once, journaled, never again. */
import { evaluate, labelOf } from "../flow/evaluate.ts";
import { describe } from "../value/describe.ts";
import { invariant } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import { evaluationError } from "./output.ts";
import type { RunError } from "./entry.ts";
import { outputFrom, type Place, type RunState } from "./state.ts";

export type Choice =
  { readonly kind: "chose"; readonly arm: string | null } | { readonly kind: "refused"; readonly error: RunError };

/** The arm to take, null for none; refused where no arm fits, or the value has no label. */
export function choose(state: RunState, { frame, node }: Place): Choice {
  const match = node.node;
  invariant(match.kind === "match", "only a match chooses");
  try {
    const value = evaluate(match.on, outputFrom(state.compiled, frame));
    const label = labelOf(value);
    if (match.form === "when" && typeof value !== "boolean")
      return { kind: "refused", error: notBoolean(match.id, value) };
    const arm = match.arms.find((candidate) => candidate.labels.includes(label));
    const scope = arm?.scope ?? match.otherwise;
    if (scope !== null) return { kind: "chose", arm: state.compiled.scopes[scope]!.name };
    if (match.form === "when") return { kind: "chose", arm: null };
    const known = match.arms.flatMap((candidate) => candidate.labels).join(", ");
    const arms = label === "null" ? "the arm `null`, which takes null and undefined," : "an arm";
    const message = `${match.id} looked at ${describe(value)}, for which it has no arm (it has ${known}); no arm ran. Add ${arms} or \`otherwise\`.`;
    return { kind: "refused", error: { code: "MATCH_NO_ARM", message, node: match.id, attempt: 0 } };
  } catch (thrown) {
    return { kind: "refused", error: evaluationError(thrown, match.id) };
  }
}

function notBoolean(node: string, value: Json | undefined): RunError {
  const message = `${node} looked at ${describe(value)}, which is neither true nor false; no arm ran. Give it a condition, such as \`present(…)\` or \`eq(…)\`.`;
  return { code: "EXPRESSION_INVALID", message, node, attempt: 0 };
}
