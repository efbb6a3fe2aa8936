/** A graph as its store has it: under a hash stands what was written there, or it is spoilt and nobody goes by it. */
import { checkGraph } from "../flow/check-graph.ts";
import type { Graph } from "../flow/graph.ts";
import type { StoredGraph } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { contentHash } from "../value/hash.ts";
import { canonicalJson, type Json } from "../value/json.ts";

/** STORE_CORRUPT if it is not the graph of this hash. */
export function readGraph({ hash, workflow, graph: text }: StoredGraph): Graph {
  let graph: Graph;
  try {
    graph = checkGraph(JSON.parse(text));
  } catch (thrown) {
    throw spoilt(hash, workflow, thrown instanceof Error ? thrown.message : String(thrown));
  }
  if (contentHash(canonicalJson(graph as unknown as Json)) === hash) return graph;
  throw spoilt(hash, workflow, "its hash is another.");
}

function spoilt(graph: string, workflow: string, reason: string): TenfoldError {
  return new TenfoldError(
    "STORE_CORRUPT",
    `The graph ${graph} of workflow "${workflow}" in the store is not what was written there: ${reason} Nothing was done with it. Restore the store from a backup, or cancel the runs that are on it.`,
    { facts: { graph, workflow } },
  );
}

export function isCorrupt(thrown: unknown): thrown is TenfoldError {
  return thrown instanceof TenfoldError && thrown.code === "STORE_CORRUPT";
}
