/** Names of people, roles and events that are kept and looked for: short, and without what no index could hold. */

/** Whether `value` is a text of 1 to `most` characters, none of which is a control character. */
export function isPlainName(value: unknown, most = 100): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= most && !/\p{Cc}/u.test(value);
}

/** Whether `value` names somebody who may decide: a person, or a role (`role:finance`) that has a name. */
export function namesDecider(value: unknown): value is string {
  return isPlainName(value) && value !== "role:";
}
