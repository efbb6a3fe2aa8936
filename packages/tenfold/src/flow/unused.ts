/**
 * Warnings for results that were probably meant to be used. A step that is drawn for its effect (send, discard,
 * notify) is used nowhere, and rightly so; a warning that cries wolf is switched off. So only these count:
 * a derive or a condition that nothing uses, because it has no effect; and a step, or a call of a workflow, whose result
 * another node takes as data at another place of the same graph, because then its result is evidently what it is drawn for.
 */
import type { Warning } from "./definition.ts";
import type { Drawing } from "./drawing.ts";
import { templatesOf, visitRefs } from "./graph.ts";
import { refText, templateText } from "./naming.ts";

export function findUnused(drawing: Drawing): readonly Warning[] {
  const { nodes, scopes } = drawing;
  const asData = new Set<number>();
  const used = new Set<number>();
  for (const node of nodes) {
    for (const template of templatesOf(node)) visitRefs(template, (index) => asData.add(index));
    if ("after" in node) for (const index of node.after) used.add(index);
  }
  for (const scope of scopes) visitRefs(scope.output, (index) => used.add(index));
  for (const index of asData) used.add(index);
  const needed = new Set(
    [...asData]
      .map((index) => nodes[index]!)
      .map(workOf)
      .filter((work) => work !== undefined),
  );

  const warnings: Warning[] = [];
  nodes.forEach((node, index) => {
    if (used.has(index)) return;
    if (node.kind === "derive") {
      warnings.push(warning(drawing, node.id, "computes a result that nothing uses, and it has no effect"));
      return;
    }
    const work = workOf(node);
    if (work !== undefined && needed.has(work))
      warnings.push(
        warning(drawing, node.id, `draws the ${work} and drops its result, which other nodes of it give on`),
      );
  });
  for (const condition of drawing.unusedConditions) {
    let first = "input";
    visitRefs(condition, (node) => (first = first === "input" ? refText(drawing, node, []) : first));
    warnings.push(
      warning(drawing, first, `is asked \`${templateText(drawing, condition)}\`, and nothing uses the answer`),
    );
  }
  return warnings;
}

/** What a node has done: `step "enrich"`. */
function workOf(node: Drawing["nodes"][number]): string | undefined {
  if (node.kind === "step") return `step "${node.step}"`;
  return node.kind === "call" ? `call of workflow "${node.workflow}"` : undefined;
}

function warning(drawing: Drawing, node: string, happened: string): Warning {
  const message = `Workflow "${drawing.workflow}", node "${node}": it ${happened}. Give it to what needs it, or leave it out.`;
  return { code: "UNUSED_RESULT", node, message };
}
