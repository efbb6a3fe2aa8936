/** What a value is in the words of a message: `undefined`, `"hot"`, `a list`, `an Order`. */

const TEXT_MAX = 60;

/** `value` as a sentence names it; long texts are cut. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length <= TEXT_MAX ? value : `${value.slice(0, TEXT_MAX - 1)}…`);
    case "function":
      return "a function";
    case "object":
      if (value === null) return "null";
      return Array.isArray(value) ? "a list" : withArticle(classNameOf(value) ?? "object");
    default:
      return String(value);
  }
}

/** `a Date`, `an object`. */
export function withArticle(noun: string): string {
  return `${/^[aeiou]/i.test(noun) ? "an" : "a"} ${noun}`;
}

/** What an object was made by; undefined for a plain one, and for one that does not say. */
function classNameOf(value: object): string | undefined {
  const prototype = Object.getPrototypeOf(value) as { readonly constructor?: { readonly name?: unknown } } | null;
  if (prototype === null || prototype === Object.prototype) return undefined;
  const name = prototype.constructor?.name;
  return typeof name === "string" && name !== "" && name !== "Object" ? name : undefined;
}
