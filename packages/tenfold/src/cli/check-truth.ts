/**
 * What is known about values at a place of the graph, and whether a condition is then always true or always false.
 * Invariant: `undefined` is "it depends"; an answer is given only where every run at that place gives the same.
 */
import { labelOf } from "../flow/evaluate.ts";
import type { Template } from "../flow/graph.ts";
import { canonicalJson, jsonEqual, type Json } from "../value/json.ts";

/** What is known of one value, by the canonical text of its template. */
export interface Fact {
  /** The only labels that it can have; absent: any. */
  readonly only?: readonly string[];
  /** Labels that it cannot have. */
  readonly except: ReadonlySet<string>;
  /** Numbers that it lies between. */
  readonly low: Bound;
  readonly high: Bound;
}

interface Bound {
  readonly at: number;
  /** The bound itself is possible. */
  readonly closed: boolean;
}

export type Knowledge = ReadonlyMap<string, Fact>;

export const NOTHING_KNOWN: Knowledge = new Map();

const OPEN: Fact = { except: new Set(), low: { at: -Infinity, closed: true }, high: { at: Infinity, closed: true } };

/** What is known where a match on `template` took an arm with one of `labels`, or none of `except`. */
export function learn(
  known: Knowledge,
  template: Template,
  took: { readonly labels: readonly string[] } | { readonly except: readonly string[] },
): Knowledge {
  if (template.kind === "expression") {
    const truths = "labels" in took ? took.labels : ["true", "false"].filter((label) => !took.except.includes(label));
    return truths.length === 1 ? learnTruth(known, template, truths[0] === "true") : known;
  }
  return change(known, template, (fact) =>
    "labels" in took
      ? { ...fact, only: fact.only?.filter((label) => took.labels.includes(label)) ?? took.labels }
      : { ...fact, except: new Set([...fact.except, ...took.except]) },
  );
}

function learnTruth(known: Knowledge, template: Template, truth: boolean): Knowledge {
  const whole = change(known, template, (fact) => ({ ...fact, only: [String(truth)] }));
  if (template.kind !== "expression") return whole;
  const { operator, operands } = template;
  const [first, second] = operands;
  switch (operator) {
    case "not":
      return learnTruth(whole, first!, !truth);
    case "all":
      return truth ? operands.reduce((facts, operand) => learnTruth(facts, operand, true), whole) : whole;
    case "any":
      return truth ? whole : operands.reduce((facts, operand) => learnTruth(facts, operand, false), whole);
    case "eq": {
      const label = constantLabel(second);
      if (label === undefined) return whole;
      if (truth) return learn(whole, first!, { labels: [label] });
      return isTelling(label) ? learn(whole, first!, { except: [label] }) : whole;
    }
    case "present":
      return truth ? learn(whole, first!, { except: ["null"] }) : learn(whole, first!, { labels: ["null"] });
    case "oneOf": {
      const labels = second?.kind === "constant" && Array.isArray(second.value) ? second.value.map(labelIfAny) : [];
      if (labels.length === 0 || labels.includes(undefined)) return whole;
      const all = labels as readonly string[];
      return learn(whole, first!, truth ? { labels: all } : { except: all.filter(isTelling) });
    }
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return learnBound(whole, operator, first!, second!, truth);
  }
}

function learnBound(
  known: Knowledge,
  operator: "gt" | "gte" | "lt" | "lte",
  value: Template,
  other: Template,
  truth: boolean,
): Knowledge {
  if (other.kind !== "constant" || typeof other.value !== "number") return known;
  const at = other.value;
  const isAbove = operator.startsWith("g") === truth;
  // `gt` that holds excludes the bound, `gt` that does not includes it, `gte` the other way round.
  const closed = operator.endsWith("e") === truth;
  return change(known, value, (fact) =>
    isAbove
      ? { ...fact, low: tighter({ at, closed }, fact.low, at > fact.low.at) }
      : { ...fact, high: tighter({ at, closed }, fact.high, at < fact.high.at) },
  );
}

function tighter(next: Bound, last: Bound, isTighter: boolean): Bound {
  if (next.at === last.at) return { at: next.at, closed: next.closed && last.closed };
  return isTighter ? next : last;
}

/** Whether `template` is always true, or always false, where `known` holds. */
export function truthOf(template: Template, known: Knowledge): boolean | undefined {
  if (template.kind === "constant") return typeof template.value === "boolean" ? template.value : undefined;
  const fact = known.get(textOf(template));
  if (fact?.only?.length === 1 && (fact.only[0] === "true" || fact.only[0] === "false")) return fact.only[0] === "true";
  if (template.kind !== "expression") return undefined;
  const { operator, operands } = template;
  const [first, second] = operands;
  switch (operator) {
    case "not":
      return negated(truthOf(first!, known));
    case "all": {
      const truths = operands.map((operand) => truthOf(operand, known));
      return truths.includes(false) ? false : truths.every((truth) => truth === true) ? true : undefined;
    }
    case "any": {
      const truths = operands.map((operand) => truthOf(operand, known));
      return truths.includes(true) ? true : truths.every((truth) => truth === false) ? false : undefined;
    }
    case "eq":
      return equality(first!, second!, known);
    case "present":
      return negated(isLabel(first!, "null", known));
    case "oneOf": {
      if (second?.kind !== "constant" || !Array.isArray(second.value)) return undefined;
      const truths = second.value.map((value: Json) => equality(first!, { kind: "constant", value }, known));
      return truths.includes(true) ? true : truths.every((truth) => truth === false) ? false : undefined;
    }
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return comparison(operator, first!, second!, known);
  }
}

function equality(first: Template, second: Template, known: Knowledge): boolean | undefined {
  if (textOf(first) === textOf(second)) return true;
  if (first.kind === "constant" && second.kind === "constant") {
    return jsonEqual(first.value ?? null, second.value ?? null);
  }
  const label = constantLabel(second);
  return label === undefined ? undefined : isLabel(first, label, known);
}

/**
 * Whether the value is the one with this label. That it has the label does not always make it so (the text "1" and
 * the number 1 have the same); that it has another is certain.
 */
function isLabel(value: Template, label: string, known: Knowledge): boolean | undefined {
  const fact = known.get(textOf(value));
  if (fact === undefined) return undefined;
  if (fact.except.has(label)) return false;
  if (fact.only === undefined) return undefined;
  if (!fact.only.includes(label)) return false;
  return fact.only.length === 1 && isTelling(label) ? true : undefined;
}

/** A label that only one value has: words, as no number, boolean or null is written so. */
function isTelling(label: string): boolean {
  return label === "null" || (Number.isNaN(Number(label)) && label !== "true" && label !== "false" && label !== "NaN");
}

function comparison(
  operator: "gt" | "gte" | "lt" | "lte",
  value: Template,
  other: Template,
  known: Knowledge,
): boolean | undefined {
  if (textOf(value) === textOf(other)) return operator.endsWith("e");
  if (other.kind !== "constant" || typeof other.value !== "number") return undefined;
  const at = other.value;
  if (value.kind === "constant") {
    if (typeof value.value !== "number") return undefined;
    return { gt: value.value > at, gte: value.value >= at, lt: value.value < at, lte: value.value <= at }[operator];
  }
  const { low, high } = known.get(textOf(value)) ?? OPEN;
  const isAbove = low.at > at || (low.at === at && (operator === "gte" || operator === "lt" || !low.closed));
  const isBelow = high.at < at || (high.at === at && (operator === "lte" || operator === "gt" || !high.closed));
  const isUp = operator.startsWith("g");
  if (isAbove) return isUp;
  return isBelow ? !isUp : undefined;
}

function change(known: Knowledge, template: Template, to: (fact: Fact) => Fact): Knowledge {
  if (template.kind === "constant") return known;
  const text = textOf(template);
  return new Map([...known, [text, to(known.get(text) ?? OPEN)]]);
}

function constantLabel(template: Template | undefined): string | undefined {
  return template?.kind === "constant" ? labelIfAny(template.value) : undefined;
}

function labelIfAny(value: Json | undefined): string | undefined {
  return typeof value === "object" && value !== null ? undefined : labelOf(value);
}

function negated(truth: boolean | undefined): boolean | undefined {
  return truth === undefined ? undefined : !truth;
}

function textOf(template: Template): string {
  return canonicalJson(template as unknown as Json);
}
