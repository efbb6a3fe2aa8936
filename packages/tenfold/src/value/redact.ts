/**
 * Hides named fields of a value that is to be shown.
 *
 * A path is names with dots between them, and hides what has these names as the end of its own path, however deep it
 * lies: `password` each field of that name, `card.number` each `number` directly in a `card`. `*` stands for any one
 * name: `*.ssn` is not at the top. Lists count for nothing: `cards.number` is that of each of the `cards`.
 * Invariant: the value itself stays as it is; what has no such field is answered as it is.
 */

const REDACTED = "[redacted]";

/** Answers `value` with what is to be hidden in it replaced; `at`: the name of the value itself. */
export type Redact = <T>(value: T, at?: string) => T;

export const showAll: Redact = (value) => value;

export function isRedactPath(path: unknown): path is string {
  return typeof path === "string" && path.length > 0 && path.split(".").every((name) => /^(\*|[^*]+)$/.test(name));
}

export function redactor(paths: readonly string[]): Redact {
  if (paths.length === 0) return showAll;
  const rules = paths.map((path) => path.split(".").toReversed());
  return (value, at) =>
    new Redaction(rules).of(value, at === undefined ? null : { name: at, above: null }) as typeof value;
}

/** A name on the way to a field, and those before it. */
interface Way {
  readonly name: string;
  readonly above: Way | null;
}

class Redaction {
  readonly #rules: readonly (readonly string[])[];
  /** What is being looked into: a value that is in itself has no end. */
  readonly #open = new Set<object>();

  constructor(rules: readonly (readonly string[])[]) {
    this.#rules = rules;
  }

  of(value: unknown, way: Way | null): unknown {
    if (way !== null && value !== undefined && this.#isHidden(way)) return REDACTED;
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
    if (this.#open.has(value)) return "[circular]";
    this.#open.add(value);
    try {
      if (Array.isArray(value)) return this.#list(value, way);
      if (value instanceof Map) return this.#map(value, way);
      if (value instanceof Set) return this.#set(value, way);
      return this.#object(value, way);
    } finally {
      this.#open.delete(value);
    }
  }

  #isHidden(way: Way): boolean {
    return this.#rules.some((names) => {
      let at: Way | null = way;
      for (const name of names) {
        if (at === null || (name !== "*" && name !== at.name)) return false;
        at = at.above;
      }
      return true;
    });
  }

  /** Items have the list's own name, which is not hidden. */
  #list(list: readonly unknown[], way: Way | null): unknown {
    let shown: unknown[] | null = null;
    for (const [index, item] of list.entries()) {
      const seen = this.of(item, way);
      if (seen !== item) (shown ??= [...list])[index] = seen;
    }
    return shown ?? list;
  }

  #map(map: ReadonlyMap<unknown, unknown>, way: Way | null): unknown {
    let shown: Map<unknown, unknown> | null = null;
    for (const [name, item] of map) {
      const seen = this.of(item, { name: String(name), above: way });
      if (seen !== item) (shown ??= new Map(map)).set(name, seen);
    }
    return shown ?? map;
  }

  #set(set: ReadonlySet<unknown>, way: Way | null): unknown {
    const items = [...set];
    const shown = this.#list(items, way);
    return shown === items ? set : new Set(shown as readonly unknown[]);
  }

  #object(value: object, way: Way | null): unknown {
    if ("toJSON" in value && typeof value.toJSON === "function") {
      const json: unknown = value.toJSON();
      const seen = json === value ? json : this.of(json, way);
      return seen === json ? value : seen;
    }
    const fields = new Map<string, unknown>();
    for (const [name, field] of fieldsOf(value)) {
      const seen = this.of(field, { name, above: way });
      if (seen !== field) fields.set(name, seen);
    }
    return fields.size === 0 ? value : copyWith(value, fields);
  }
}

/** Also what an error was caused by, or stands for, which is printed with it though no list of its fields has it. */
function fieldsOf(value: object): [string, unknown][] {
  const fields: [string, unknown][] = Object.entries(value);
  if (!(value instanceof Error)) return fields;
  const { cause, errors } = value as { readonly cause?: unknown; readonly errors?: unknown };
  return [...fields, ["cause", cause], ["errors", errors]];
}

/** The same class, with the same fields but these. */
function copyWith(value: object, fields: ReadonlyMap<string, unknown>): object {
  const copy = Object.create(
    Object.getPrototypeOf(value) as object | null,
    Object.getOwnPropertyDescriptors(value),
  ) as object;
  // What reads an error's stack is bound to that error.
  if (value instanceof Error) Object.defineProperty(copy, "stack", { value: value.stack });
  for (const [name, field] of fields) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(value, name);
    Object.defineProperty(copy, name, { value: field, enumerable, configurable: true, writable: true });
  }
  return copy;
}
