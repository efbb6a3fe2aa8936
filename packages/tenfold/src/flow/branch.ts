/** `match` and `when`: exclusive branches, drawn as one node whose arms are scopes. */
import { describe } from "../value/describe.ts";
import { drawArm } from "./callback.ts";
import { currentDrawing } from "./current-drawing.ts";
import { addNode, drawingError, drawScope, nodeId, type Drawing } from "./drawing.ts";
import { visitRefs, type MatchArm, type MatchNode, type Template } from "./graph.ts";
import type { Lifted, Plain, Present, Symbolic } from "./lifted.ts";
import { checkName, subjectName, templateText } from "./naming.ts";
import { lift } from "./template.ts";
import { makeValue, nodeValue, originOf, type ValueOrigin } from "./value.ts";

/**
 * `match(tier, { hot: () => …, warm: () => … })`: the arm whose label is the value's text runs, its value flows on.
 * `match(payment, "kind", { card: (payment) => … })`: by a property that tells the kinds of `payment` apart.
 * Every label has an arm, or there is `otherwise`; null and undefined have the arm `null`.
 */
export interface Match {
  <T, A extends ArmsOf<T, T, Label<T>>>(value: Symbolic<T>, arms: A & NoOtherArms<A, Label<T>>): Lifted<Outcome<A>>;
  <T, K extends Discriminant<T>, A extends ArmsOf<T, PropertyOf<T, K>, Label<PropertyOf<T, K>>, K>>(
    value: Symbolic<T>,
    property: K,
    arms: A & NoOtherArms<A, Label<PropertyOf<T, K>>>,
  ): Lifted<Outcome<A>>;
  /** Names the node that is drawn. */
  as(name: string): Match;
}

/**
 * `when(gte(points, 80), () => …, () => …)`: the one or the other; without `otherwise`, undefined.
 * `when(present(x), (x) => …)`: the callback is given `x` without null and undefined.
 */
export interface When {
  <T, A, B = undefined>(
    condition: Present<T>,
    then: (value: Lifted<T>) => A,
    otherwise?: () => B,
  ): Lifted<Plain<A> | Plain<B>>;
  <A, B = undefined>(condition: Symbolic<boolean>, then: () => A, otherwise?: () => B): Lifted<Plain<A> | Plain<B>>;
  /** Names the node that is drawn. */
  as(name: string): When;
}

type Label<T> = T extends null | undefined | void ? "null" : T extends string | number | boolean ? `${T}` : never;

type Discriminant<T> = keyof NonNullable<T> & string;

type PropertyOf<T, K> = T extends null | undefined ? null : K extends keyof T ? T[K] : undefined;

/** The part of `T` that takes the arm `L`: by its own text, or by the text of its property `K`. */
type Narrowed<T, L, K> = T extends unknown
  ? [K] extends [never]
    ? L extends Label<T>
      ? T
      : never
    : L extends Label<PropertyOf<T, K>>
      ? T
      : never
  : never;

type ArmsOf<T, By, L extends string, K = never> = [L] extends [never]
  ? "match looks at a string, number or boolean, or at a property that is one"
  : string extends L
    ? { readonly [label: string]: (value: Lifted<T>) => unknown; readonly otherwise: (value: Lifted<T>) => unknown }
    : number extends By
      ? { readonly [label: `${number}`]: (value: Lifted<T>) => unknown } & OtherArms<T, L, K>
      : { readonly [P in L]: (value: Lifted<Narrowed<T, P, K>>) => unknown } | OtherArms<T, L, K>;

type OtherArms<T, L extends string, K> = {
  readonly [P in L]?: (value: Lifted<Narrowed<T, P, K>>) => unknown;
} & { readonly otherwise: (value: Lifted<T>) => unknown };

/** Demands a property that is never there for each arm that no value takes; that its name is new keeps arms inferable. */
type NoOtherArms<A, L extends string> = {
  readonly [
    P in keyof A & (string | number) as `${P}` extends L | "otherwise" ? never : `no value takes the arm ${P}`
  ]: never;
};

type Outcome<A> = A[keyof A] extends (...value: never[]) => infer R ? Plain<R> : never;

type Arm = (value: unknown) => unknown;

export const match: Match = makeMatch(undefined);
export const when: When = makeWhen(undefined);

function makeMatch(name: string | undefined): Match {
  const draw = (value: unknown, second: unknown, third?: unknown): unknown => {
    const drawing = currentDrawing("`match`", "Branch inside of a `flow`, or with `switch` in a step's body.");
    const [property, arms] = typeof second === "string" ? [second, third] : [undefined, second];
    const { origin, id } = place(drawing, "match", name, value);
    const on = property === undefined ? origin : originOf((value as Record<string, unknown>)[property])!;
    if (typeof arms !== "object" || arms === null) throw armsRefused(drawing, id, `its arms are ${describe(arms)}`);
    return drawBranches(drawing, {
      form: "match",
      id,
      on: on.template,
      arms: checkArms(drawing, id, Object.entries(arms)),
      given: () => origin.template,
    });
  };
  const as = (given: string): Match => makeMatch(checkName("MATCH_INVALID", "a match", given));
  return Object.freeze(Object.assign(draw, { as })) as unknown as Match;
}

function makeWhen(name: string | undefined): When {
  const draw = (condition: unknown, then: unknown, otherwise?: unknown): unknown => {
    const drawing = currentDrawing("`when`", "Branch inside of a `flow`, or with `if` in a step's body.");
    const { origin, id } = place(drawing, "when", name, condition);
    const { template } = origin;
    const found = template.kind === "expression" && template.operator === "present" ? template.operands[0] : undefined;
    const arms: [string, unknown][] = [["then", then]];
    if (otherwise !== undefined) arms.push(["otherwise", otherwise]);
    return drawBranches(drawing, {
      form: "when",
      id,
      on: template,
      arms: checkArms(drawing, id, arms),
      given: (key) => (key === "then" ? found : undefined),
    });
  };
  const as = (given: string): When => makeWhen(checkName("MATCH_INVALID", "a when", given));
  return Object.freeze(Object.assign(draw, { as })) as unknown as When;
}

/** What a branch looks at, which has to be a value, and the id of its node. */
function place(drawing: Drawing, form: "match" | "when", name: string | undefined, value: unknown) {
  const origin = originOf(value);
  const id = nodeId(drawing, name ?? `${form}-${(origin && subject(drawing, origin)) ?? "constant"}`);
  if (origin !== undefined) lift(drawing, id, form === "when" ? "condition" : "value", value);
  if (origin !== undefined && hasRefs(origin.template)) return { origin, id };
  throw drawingError("MATCH_INVALID", drawing, id, {
    happened: `\`${form}\` looks at ${origin === undefined ? describe(value) : templateText(drawing, origin.template)}, which is known now, so that only one arm could ever run`,
    wayOut: `Branch on a value (a step's result, a part of the input, an expression such as \`gte(points, 80)\`); for what is known when the workflow is defined, write \`if\` around the steps.`,
  });
}

function subject(drawing: Drawing, origin: ValueOrigin): string | undefined {
  // A value of another workflow is refused right after, under whatever name.
  return origin.drawing === drawing ? subjectName(drawing, origin.template) : "foreign";
}

function hasRefs(template: Template): boolean {
  let found = false;
  visitRefs(template, () => (found = true));
  return found;
}

function checkArms(drawing: Drawing, id: string, arms: readonly (readonly [string, unknown])[]): Branches["arms"] {
  if (arms.length === 0) throw armsRefused(drawing, id, "it has no arms");
  for (const [label, arm] of arms) {
    if (typeof arm !== "function" || originOf(arm) !== undefined) {
      const found = originOf(arm) === undefined ? describe(arm) : "a value";
      throw armsRefused(drawing, id, `the arm "${label}" is ${found}, no function`);
    }
    if (/[/[]/.test(label)) {
      throw armsRefused(drawing, id, `the arm "${label}" has a "/" or "[" in it, which separate the parts of an id`);
    }
  }
  return arms as Branches["arms"];
}

function armsRefused(drawing: Drawing, id: string, happened: string): Error {
  const wayOut = "Give every arm a function: `{ hot: () => introduce(lead), otherwise: () => discard(lead) }`.";
  return drawingError("MATCH_INVALID", drawing, id, { happened, wayOut });
}

interface Branches {
  readonly form: "match" | "when";
  readonly id: string;
  readonly on: Template;
  readonly arms: readonly (readonly [string, Arm])[];
  /** What the arm with this key is called with; undefined: with nothing. */
  given(key: string): Template | undefined;
}

/** Draws one scope for each different function, however many arms it is given for. */
function drawBranches(drawing: Drawing, { form, id, on, arms: drawn, given }: Branches): unknown {
  const { scope, after } = drawing;
  const node: MatchNode = { kind: "match", form, id, scope, after, on, arms: [], otherwise: null };
  const index = addNode(drawing, node);
  const keysOf = new Map<Arm, string[]>();
  for (const [key, arm] of drawn) keysOf.set(arm, [...(keysOf.get(arm) ?? []), key]);
  const arms: MatchArm[] = [];
  let otherwise: number | null = null;
  for (const [arm, keys] of keysOf) {
    const name = keys.join("|");
    const looked = given(keys[0]!);
    const drawnScope = drawScope(drawing, index, name, (inner) =>
      drawArm(drawing, id, name, () =>
        looked === undefined ? (arm as () => unknown)() : arm(makeValue(drawing, looked, inner, true)),
      ),
    );
    const labels = keys.filter((key) => key !== "otherwise").map((key) => (form === "when" ? "true" : key));
    if (labels.length > 0) arms.push({ labels, scope: drawnScope });
    if (keys.includes("otherwise")) otherwise = drawnScope;
  }
  drawing.nodes[index] = { ...node, arms, otherwise };
  return nodeValue(drawing, index);
}
