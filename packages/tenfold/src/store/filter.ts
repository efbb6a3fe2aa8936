/** Whether a run is one that a list asks for: the meaning of a filter, which SQL stores express as predicates. */
import type { RunFilter, RunRecord } from "./store.ts";

export function matches(run: RunRecord, attributes: ReadonlyMap<string, string>, filter: RunFilter): boolean {
  const { workflow, status, tenant, key, attribute, from, until } = filter;
  return (
    (workflow === undefined || run.workflow === workflow) &&
    (status === undefined || run.status === status) &&
    (tenant === undefined || run.tenant === tenant) &&
    (key === undefined || run.key === key) &&
    (attribute === undefined || attributes.get(attribute.name) === attribute.value) &&
    (from === undefined || run.startedAt >= from) &&
    (until === undefined || run.startedAt < until)
  );
}
