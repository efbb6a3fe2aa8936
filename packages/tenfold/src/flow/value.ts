/**
 * What stands for a result while a workflow is drawn: a proxy whose properties are values with a longer path.
 * Invariants: a value holds no data; whatever would need the data now (a string of it, iterating, spreading, `in`,
 * calling, setting) throws VALUE_MISUSED with the way out; `then` is undefined, so that a value is no promise.
 */
import { drawingError, type Drawing } from "./drawing.ts";
import { visitRefs, type Template } from "./graph.ts";
import { refText, templateText } from "./naming.ts";

export interface ValueOrigin {
  readonly drawing: Drawing;
  readonly template: Template;
  /** The scope that it may be used in, and in the scopes inside of that. */
  readonly scope: number;
  /** Given to an arm as what the arm's match looked at. */
  readonly narrowed: boolean;
}

const ORIGIN = Symbol("origin");
const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** A value to draw with. */
export function makeValue(drawing: Drawing, template: Template, scope: number, narrowed = false): unknown {
  const origin: ValueOrigin = { drawing, template, scope, narrowed };
  // A `function`, not an arrow: only that can be a proxy whose `new` is trapped too.
  const target = function () {};
  Object.defineProperty(target, INSPECT, { value: () => `Value(${templateText(drawing, template)})` });
  return new Proxy(target, new ValueTraps(origin));
}

/** The value of a whole node. */
export function nodeValue(drawing: Drawing, node: number): unknown {
  return makeValue(drawing, { kind: "ref", node, path: [] }, drawing.nodes[node]!.scope);
}

/** Where a value comes from; undefined for anything that is no value. */
export function originOf(candidate: unknown): ValueOrigin | undefined {
  return typeof candidate === "function"
    ? (candidate as unknown as { readonly [ORIGIN]?: ValueOrigin })[ORIGIN]
    : undefined;
}

class ValueTraps implements ProxyHandler<() => void> {
  readonly origin: ValueOrigin;

  constructor(origin: ValueOrigin) {
    this.origin = origin;
  }

  get(_target: unknown, key: string | symbol): unknown {
    if (key === ORIGIN) return this.origin;
    if (typeof key === "symbol") return this.#symbol(key);
    if (key === "then") return undefined;
    if (key === "toString" || key === "toLocaleString") throw this.#text();
    if (key === "valueOf") throw this.#number();
    if (key === "toJSON") throw this.#misused("turned into JSON", `Give it to a step as it is.`);
    const { drawing, template, scope, narrowed } = this.origin;
    if (template.kind !== "ref") {
      throw this.#misused(
        `asked for its property \`${key}\``,
        `A condition is true or false: give it to \`when\`, \`match\`, \`all\`, \`any\` or \`not\`.`,
      );
    }
    const part = /^(0|[1-9]\d{0,8})$/.test(key) ? Number(key) : key;
    return makeValue(drawing, { ...template, path: [...template.path, part] }, scope, narrowed);
  }

  #symbol(key: symbol): unknown {
    if (key === Symbol.toPrimitive) {
      return (hint: string) => {
        throw hint === "number" ? this.#number() : this.#text();
      };
    }
    if (key === Symbol.iterator || key === Symbol.asyncIterator) {
      const text = this.#name();
      throw this.#misused(
        "iterated over (`for … of`, `[...x]`, destructuring)",
        `Draw for every item: \`each(${text}, (item) => …)\`, or compute with \`derive(${text}, (items) => …)\`.`,
      );
    }
    return undefined;
  }

  apply(): never {
    const { drawing, template } = this.origin;
    // `orders.map(…)`: the way out is about `orders`.
    const called = template.kind === "ref" ? { ...template, path: template.path.slice(0, -1) } : template;
    const whole = templateText(drawing, called);
    throw this.#misused(
      "called like a function",
      `Only steps and constructs are called. Compute with \`derive(${whole}, (it) => …)\`; draw for every item with \`each(${whole}, (item) => …)\`.`,
    );
  }

  construct(): never {
    throw this.#misused("called with `new`", `Compute with \`derive(${this.#name()}, (it) => …)\`.`);
  }

  set(_target: unknown, key: string | symbol): never {
    throw this.#misused(
      `changed (its property \`${String(key)}\` was set)`,
      `Results never change: make a new object, \`{ ${String(key)}: … }\`, or compute one with \`derive\`.`,
    );
  }

  defineProperty(target: unknown, key: string | symbol): never {
    return this.set(target, key);
  }

  deleteProperty(_target: unknown, key: string | symbol): never {
    throw this.#misused(
      `changed (its property \`${String(key)}\` was deleted)`,
      `Results never change: make a new object of the properties that you need.`,
    );
  }

  has(_target: unknown, key: string | symbol): never {
    throw this.#misused(
      `searched for the property \`${String(key)}\` with \`in\``,
      `Use the condition \`present(${this.#name()}.${String(key)})\` in \`when\`.`,
    );
  }

  ownKeys(): never {
    throw this.#misused(
      "asked for all its properties (spread `{...x}`, `Object.keys`)",
      `Name the ones that you need: \`{ a: ${this.#name()}.a, b: ${this.#name()}.b }\`, or use \`derive(${this.#name()}, (it) => ({ ...it }))\`.`,
    );
  }

  getOwnPropertyDescriptor(_target: unknown, key: string | symbol): never {
    return this.has(_target, key);
  }

  #text(): Error {
    return this.#misused(
      "turned into a string (a template string, `+`, `String(…)`)",
      `Compute the text with \`derive(${this.#name()}, (it) => …)\`, branch on it with \`match\`, or give it to a step as it is.`,
    );
  }

  #number(): Error {
    return this.#misused(
      "turned into a number (`+`, `-`, `<`, `Number(…)`)",
      `Compare with an expression such as \`gte(${this.#name()}, 80)\`, or compute with \`derive(${this.#name()}, (it) => …)\`.`,
    );
  }

  #name(): string {
    return templateText(this.origin.drawing, this.origin.template);
  }

  #misused(tried: string, wayOut: string): Error {
    const { drawing, template } = this.origin;
    return drawingError("VALUE_MISUSED", drawing, nodeText(drawing, template), {
      happened: `\`${this.#name()}\` was ${tried}, but while the workflow is drawn it stands for a result that is not there yet`,
      wayOut,
      facts: { value: this.#name() },
    });
  }
}

function nodeText(drawing: Drawing, template: Template): string {
  let first: string | undefined;
  visitRefs(template, (node) => (first ??= refText(drawing, node, [])));
  return first ?? "a constant condition";
}
