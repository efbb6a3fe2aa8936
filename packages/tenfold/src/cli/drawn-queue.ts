/** How the queue of a step reads in a drawing: what it limits, without the functions of its input. */
import type { LimitDefinition, QueueDefinition, QueueKeyDefinition } from "../flow/queue-definition.ts";
import { formatDuration } from "../value/duration.ts";
import type { Rate } from "../value/rate.ts";

/** "queue: 5 at once, 100/s, of each key 1 at once, limit openai (60/min)"; "queue" where it limits nothing. */
export function queueText(queue: QueueDefinition): string {
  const { per, limit, batch, backlog } = queue;
  const parts = [...limitWords(queue), ...(per === null ? [] : [perText(per)])];
  if (batch !== null) parts.push(`in batches of ${batch.max}`);
  if (backlog !== null) parts.push(`${backlog.max} may wait`);
  if (limit !== null) parts.push(`limit ${limit.name} (${limitWords(limit).join(", ")})`);
  return parts.length === 0 ? "queue" : `queue: ${parts.join(", ")}`;
}

function perText(per: QueueKeyDefinition): string {
  const order = per.isStrict ? ["in order"] : [];
  const words = [...limitWords(per), ...order];
  return words.length === 0 ? "shared by its keys" : `of each key ${words.join(" and ")}`;
}

function limitWords({ concurrency, rate }: Pick<LimitDefinition, "concurrency" | "rate">): string[] {
  return [...(concurrency === null ? [] : [`${concurrency} at once`]), ...(rate === null ? [] : [rateText(rate)])];
}

const UNITS: ReadonlyMap<number, string> = new Map([
  [1000, "s"],
  [60_000, "min"],
  [3_600_000, "h"],
  [86_400_000, "day"],
]);

function rateText({ count, perMs }: Rate): string {
  const unit = UNITS.get(perMs);
  return unit === undefined ? `${count} in ${formatDuration(perMs)}` : `${count}/${unit}`;
}
