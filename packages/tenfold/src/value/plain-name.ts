/** Names of people, roles and events that are kept and looked for: short, and without what no index could hold. */

/** Whether every store keeps `value` as it is, in a column of its own: Postgres has no NUL, and no half of a surrogate pair. */
export function isColumnText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed() && !value.includes("\0");
}

/** With a key, or the names of an event and a workflow, it has to fit into an index of Postgres: 2704 bytes. */
export const TENANT_MAX = 256;

/** Whether `value` can be whom runs belong to; an empty text is nobody. */
export function isTenant(value: unknown): value is string {
  return isColumnText(value) && value.length <= TENANT_MAX;
}

/** Whether `value` is a text of 1 to `most` characters, none of which is a control character. */
export function isPlainName(value: unknown, most = 100): value is string {
  return isColumnText(value) && value.length >= 1 && value.length <= most && !/\p{Cc}/u.test(value);
}

/** Whether `value` names somebody who may decide: a person, or a role (`role:finance`) that has a name. */
export function namesDecider(value: unknown): value is string {
  return isPlainName(value) && value !== "role:";
}
