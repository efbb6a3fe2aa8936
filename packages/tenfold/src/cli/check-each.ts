/**
 * What an `each` comes to: more items at once than a queue lets through, and more text than a payload may have.
 * Invariant: it reports only what is certain from the graph and the limits of queues.
 */
import { itemsKnown } from "../core/load/calls-per-run.ts";
import { leastSize } from "../core/load/least-size.ts";
import { DEFAULT_SETTINGS } from "../engine/engine.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import { scopesOf, type Graph, type GraphNode } from "../flow/graph.ts";
import type { QueueDefinition } from "../flow/queue-definition.ts";
import type { Finding } from "./check.ts";
import { countText } from "./time-text.ts";

export function checkEach(definition: WorkflowDefinition): readonly Finding[] {
  return [...inputsTooLarge(definition), ...eachesAboveQueues(definition)];
}

/** Of an input that is known to be too large no run is started. What steps answer is known to nobody. */
function inputsTooLarge({ name: workflow, graph }: WorkflowDefinition): readonly Finding[] {
  const { payloadMax } = DEFAULT_SETTINGS.limits;
  return graph.nodes.flatMap((node): readonly Finding[] => {
    const size = node.kind === "call" ? leastSize(graph, node.input) : 0;
    if (size <= payloadMax) return [];
    const message = `What it gives to its child is at least ${countText(size)} characters of JSON, as it is written down in the flow, and at most ${countText(payloadMax)} are kept: it fails in every run. Call the child once for each item, or store large data elsewhere and pass where it is.`;
    return [{ code: "PAYLOAD_TOO_LARGE", level: "error", workflow, node: node.id, message }];
  });
}

function eachesAboveQueues({ name: workflow, graph, steps }: WorkflowDefinition): readonly Finding[] {
  return graph.nodes.flatMap((node): readonly Finding[] => {
    if (node.kind !== "each" || node.concurrency === null) return [];
    const atOnce = Math.min(node.concurrency, itemsKnown(node.items) ?? Infinity);
    const queued = new Map(stepsWithin(graph, node).map((name) => [name, steps.get(name)!.queue]));
    return [...queued].flatMap(([step, queue]): readonly Finding[] => {
      const binding = queue === undefined ? null : bindingOf(queue);
      if (binding === null || atOnce <= binding.concurrency) return [];
      const message = `It works on ${atOnce} items at once, and ${binding.whose} lets ${binding.concurrency} bodies of "${step}" run at once, on all workers together: the others of them wait in line. The queue is what counts; leave it as it is, or write \`concurrency: ${binding.concurrency}\` here.`;
      return [{ code: "EACH_ABOVE_QUEUE", level: "note", workflow, node: node.id, message }];
    });
  });
}

/** The lower of the two limits. */
function bindingOf({ concurrency, limit }: QueueDefinition) {
  const own = concurrency ?? Infinity;
  const shared = limit?.concurrency ?? Infinity;
  if (own === Infinity && shared === Infinity) return null;
  return own <= shared
    ? { concurrency: own, whose: "the queue" }
    : { concurrency: shared, whose: `the limit "${limit!.name}"` };
}

/** The steps that each item calls, but for those of an `each` within it, which has its own number at once. */
function stepsWithin(graph: Graph, node: GraphNode): readonly string[] {
  return scopesOf(node).flatMap((scope) =>
    graph.scopes[scope]!.nodes.flatMap((index) => {
      const inner = graph.nodes[index]!;
      if (inner.kind === "step") return [inner.step];
      return inner.kind === "each" ? [] : stepsWithin(graph, inner);
    }),
  );
}
