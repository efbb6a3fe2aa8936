/**
 * Lifting: from what a user wrote (data with values in it) to a template.
 * Invariants: a template refers only to nodes of this drawing that are in scope; everything else in it is JSON,
 * copied, so that a later change of the user's object changes nothing.
 */
import { describe } from "../value/describe.ts";
import { disownPromise } from "../value/disown-promise.ts";
import type { Json } from "../value/json.ts";
import { pathText } from "../value/json.ts";
import { drawingError, isWithin, NO_AWAIT, scopeText, type Drawing } from "./drawing.ts";
import type { Template } from "./graph.ts";
import { templateText } from "./naming.ts";
import { originOf, type ValueOrigin } from "./value.ts";

export interface Lift {
  readonly template: Template;
  /** The values that were found in it. */
  readonly origins: readonly ValueOrigin[];
}

/** Lifts `written`, which `node` uses as its `role` (for example "input"), in the current scope of `drawing`. */
export function lift(drawing: Drawing, node: string, role: string, written: unknown): Lift {
  const lifting = new Lifting(drawing, node, role);
  const template = written === undefined ? ({ kind: "constant" } as const) : lifting.template(written);
  for (const origin of lifting.origins) drawing.unusedConditions.delete(origin.template);
  return { template, origins: lifting.origins };
}

/** The innermost of the scopes that `origins` may be used in. */
export function innermostScope(drawing: Drawing, origins: readonly ValueOrigin[]): number {
  let inner = 0;
  for (const { scope } of origins) if (isWithin(drawing, scope, inner)) inner = scope;
  return inner;
}

class Lifting {
  readonly origins: ValueOrigin[] = [];
  readonly #drawing: Drawing;
  readonly #node: string;
  readonly #role: string;
  readonly #path: (string | number)[] = [];
  readonly #above = new Set<object>();

  constructor(drawing: Drawing, node: string, role: string) {
    this.#drawing = drawing;
    this.#node = node;
    this.#role = role;
  }

  template(written: unknown): Template {
    const origin = originOf(written);
    if (origin !== undefined) return this.#use(origin);
    switch (typeof written) {
      case "string":
      case "boolean":
        return { kind: "constant", value: written };
      case "number":
        if (Number.isFinite(written)) return { kind: "constant", value: written };
        throw this.#notJson(`${written} is not a JSON number`);
      case "undefined":
        throw this.#notJson("undefined is not JSON; use null");
      case "function":
        throw this.#notJson(
          "definition" in written
            ? `a step itself is not JSON; call it to use its result`
            : "a function is not JSON; call it, or use `derive`",
        );
      case "object":
        return written === null ? { kind: "constant", value: null } : this.#container(written);
      default:
        throw this.#notJson(`a ${typeof written} is not JSON`);
    }
  }

  #container(written: object): Template {
    if (this.#above.has(written)) throw this.#notJson("it contains itself");
    this.#above.add(written);
    const template = Array.isArray(written) ? this.#array(written) : this.#object(written);
    this.#above.delete(written);
    return template;
  }

  #array(written: readonly unknown[]): Template {
    const items = Array.from(written, (item, index) => this.#inside(index, item));
    const constants = items.map(constantOf);
    return constants.includes(undefined)
      ? { kind: "array", items }
      : { kind: "constant", value: constants as readonly Json[] };
  }

  #object(written: object): Template {
    const prototype: unknown = Object.getPrototypeOf(written);
    if (prototype !== Object.prototype && prototype !== null) {
      if (disownPromise(written)) throw this.#promise();
      throw this.#notJson(`${describe(written)} is not JSON; write it as JSON (a Date as \`date.toISOString()\`)`);
    }
    const given = Object.entries(written).filter(([, item]) => item !== undefined);
    const entries = given.map(([key, item]) => [key, this.#inside(key, item)] as const);
    const constants = entries.map(([key, item]) => [key, constantOf(item)] as const);
    return constants.some(([, item]) => item === undefined)
      ? { kind: "object", entries }
      : { kind: "constant", value: Object.fromEntries(constants) as Json };
  }

  #inside(part: string | number, written: unknown): Template {
    this.#path.push(part);
    const template = this.template(written);
    this.#path.pop();
    return template;
  }

  #use(origin: ValueOrigin): Template {
    const drawing = this.#drawing;
    const text = templateText(origin.drawing, origin.template);
    if (origin.drawing !== drawing) {
      throw drawingError("VALUE_FOREIGN", drawing, this.#node, {
        happened: `its ${this.#where()} uses \`${text}\`, a value of the workflow "${origin.drawing.workflow}"`,
        wayOut: `A value lives in the \`flow\` that drew it: draw the step here too, or give the result in as this workflow's input.`,
        facts: { value: text, from: origin.drawing.workflow },
      });
    }
    if (!isWithin(drawing, drawing.scope, origin.scope)) {
      const from = scopeText(drawing, origin.scope);
      throw drawingError("VALUE_OUT_OF_SCOPE", drawing, this.#node, {
        happened: `its ${this.#where()} uses \`${text}\`, which exists only in ${from}`,
        wayOut: `Return it from there and use the result of "${drawing.nodes[drawing.scopes[origin.scope]!.owner]!.id}".`,
        facts: { value: text, from },
      });
    }
    this.origins.push(origin);
    return origin.template;
  }

  #where(): string {
    return this.#path.length === 0 ? this.#role : `${this.#role} at \`${pathText(this.#path)}\``;
  }

  #promise(): Error {
    return drawingError("NOT_JSON", this.#drawing, this.#node, {
      happened: `its ${this.#where()} is a promise`,
      wayOut: NO_AWAIT,
      facts: { path: [...this.#path], reason: "a promise is not JSON" },
    });
  }

  #notJson(reason: string): Error {
    return drawingError("NOT_JSON", this.#drawing, this.#node, {
      happened: `its ${this.#where()} is not JSON`,
      wayOut: `What goes from step to step is stored, so it has to be JSON: ${reason}.`,
      facts: { path: [...this.#path], reason },
    });
  }
}

function constantOf(template: Template): Json | undefined {
  return template.kind === "constant" ? template.value : undefined;
}
