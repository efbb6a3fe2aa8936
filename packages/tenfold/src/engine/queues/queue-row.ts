/** What the row of a line says of it: who owns it, what was set, and what its owner said last. */
import type { ListedQueue } from "../../store/queues.ts";
import type { LineReport } from "./line-report.ts";
import { readSettings, type LineSettings } from "../../core/queues/line-settings.ts";

export interface LineRow {
  readonly isOwned: boolean;
  readonly settings: LineSettings;
  /** What its owner said last, or the one before did; null: nobody ever did. */
  readonly report: LineReport | null;
}

export function rowOf({ owner, settings, stats }: Pick<ListedQueue, "owner" | "settings" | "stats">): LineRow {
  const report = stats === null ? null : (JSON.parse(stats) as LineReport);
  return { isOwned: owner !== null, settings: readSettings(settings), report };
}
