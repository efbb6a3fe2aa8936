/** The flags that say which runs are meant, shared by `runs`, `cancel` and `retry`. */
import type { RunSearch } from "../engine/caller-checks.ts";
import type { RunStatus } from "../store/store.ts";
import { nearestName } from "../value/nearest.ts";
import { usageError, type Call, type Flag } from "./command.ts";
import { readTime } from "./time-text.ts";

const STATUSES: readonly RunStatus[] = ["waiting", "running", "completed", "failed", "cancelled", "held"];

export const FILTER_FLAGS: Readonly<Record<string, Flag>> = {
  workflow: { type: "string", value: "name", text: "of this workflow" },
  status: { type: "string", value: "status", text: STATUSES.join(", ") },
  key: { type: "string", value: "text", text: "with this key" },
  tenant: { type: "string", value: "name", text: "of this tenant" },
  attribute: { type: "string", value: "name=value", text: "with this attribute" },
  "failed-at": { type: "string", value: "node", text: "that failed at this node" },
  since: { type: "string", value: "time", text: `started since: "1h" ago, or a date` },
  until: { type: "string", value: "time", text: `started until: "1h" ago, or a date` },
};

/** The filter that the flags of `call` mean; throws USAGE. */
export function readFilter(call: Call): RunSearch {
  const { flags } = call;
  const now = Date.now();
  const since = flags.text("since");
  const until = flags.text("until");
  const status = flags.text("status");
  const filter: RunSearch = {
    ...given("workflow", flags.text("workflow")),
    ...given("key", flags.text("key")),
    ...given("tenant", flags.text("tenant")),
    ...given("status", status === undefined ? undefined : statusOf(status)),
    ...given("attribute", attributeOf(flags.text("attribute"))),
    ...given("failedAt", flags.text("failed-at")),
    ...given("from", since === undefined ? undefined : readTime(since, "--since", now, "before")),
    ...given("until", until === undefined ? undefined : readTime(until, "--until", now, "before")),
  };
  if (filter.from !== undefined && filter.until !== undefined && filter.from >= filter.until) {
    throw usageError(`\`--since ${since}\` is not before \`--until ${until}\`; nothing was done. Exchange the two.`);
  }
  return filter;
}

/** Those of the flags `names` that were given, as they were written, for a line that the user may type next. */
export function writtenFlags({ flags }: Call, names: readonly string[]): string {
  return names
    .filter((name) => flags.has(name))
    .map((name) => ` --${name}${flags.text(name) === undefined ? "" : ` ${quoted(flags.text(name)!)}`}`)
    .join("");
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function given<K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: V };
}

function statusOf(text: string): RunStatus {
  const found = STATUSES.find((status) => status === text);
  if (found !== undefined) return found;
  const nearest = nearestName(text, STATUSES);
  const way = nearest === undefined ? `There are ${STATUSES.join(", ")}.` : `Did you mean \`--status ${nearest}\`?`;
  throw usageError(`There is no status "${text}"; nothing was done. ${way}`, { status: text, nearest });
}

function attributeOf(text: string | undefined): { readonly name: string; readonly value: string } | undefined {
  if (text === undefined) return undefined;
  const at = text.indexOf("=");
  if (at > 0) return { name: text.slice(0, at), value: text.slice(at + 1) };
  throw usageError(
    `\`--attribute ${text}\` has no name and value; nothing was done. Write for example \`--attribute country=DE\`.`,
  );
}
