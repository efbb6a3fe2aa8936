/**
 * How often a run comes to each of its nodes, on average: the visits of operational analysis (P. Denning, J. Buzen, "The Operational
 * Analysis of Queueing Network Models", 1978), read off the graph, its arms, items and rounds. What fails for good is not counted off.
 */
import type { Quantile } from "../model/distribution.ts";
import type { SimulatedUse, SimulatedWorkflow } from "../simulator/world.ts";

/** A mean is taken over so many equal parts of the distribution. */
const PARTS = 4096;

export function meanOf(quantile: Quantile): number {
  let sum = 0;
  for (let part = 0; part < PARTS; part++) sum += quantile((part + 0.5) / PARTS);
  return sum / PARTS;
}

/** By the node's index. */
export function visitsOf(workflow: SimulatedWorkflow): readonly number[] {
  const { compiled, nodes } = workflow;
  const visits = compiled.nodes.map(() => 0);
  const amounts = new Map<number, number>();
  for (const node of nodes) if (node.kind === "asked") amounts.set(node.asked.of, meanOf(node.amountOf));
  const enter = (scope: number, times: number): void => {
    for (const { index, node } of compiled.scopes[scope]!.nodes) {
      visits[index]! += times;
      switch (node.kind) {
        case "each":
        case "repeat":
          enter(node.body, times * amounts.get(index)!);
          break;
        case "attempt":
          enter(node.body, times);
          break;
        case "match": {
          const drawn = nodes[index]!;
          if (drawn.kind !== "match") break;
          const shares = drawn.arms.map(() => 0);
          for (let part = 0; part < PARTS; part++) shares[drawn.armOf((part + 0.5) / PARTS)]! += 1 / PARTS;
          drawn.arms.forEach((name, nth) => {
            const arm = compiled.scopes.find(({ owner, name: known }) => owner === index && known === name);
            if (arm !== undefined) enter(arm.index, times * shares[nth]!);
          });
          break;
        }
        default:
      }
    }
  };
  enter(0, 1);
  return visits;
}

/** How many attempts one execution comes to, where each fails, or is cut off, by itself: a geometric series that ends. */
export function attemptsOf({ step, retry: { attemptsMax }, timeoutMs }: SimulatedUse): number {
  const cutOff = timeoutMs === Infinity ? 0 : meanOf((u) => (step.takes(u) >= timeoutMs ? 1 : 0));
  const fails = cutOff + (1 - cutOff) * step.fails;
  return fails === 0 ? 1 : fails === 1 ? attemptsMax : (1 - fails ** attemptsMax) / (1 - fails);
}
