/** The shape of a loaded graph's parts: fields of the right kind, indexes in range. */
import { isCalendar } from "../value/business-days.ts";
import { BUSINESS_DAYS_MAX, REPEAT_MAX, SCRIPT_CALLS_MAX, SLEEP_MAX_MS } from "./graph.ts";

const OPERAND_COUNTS: Readonly<Record<string, number | undefined>> = {
  eq: 2,
  gt: 2,
  gte: 2,
  lt: 2,
  lte: 2,
  oneOf: 2,
  present: 1,
  not: 1,
  all: undefined,
  any: undefined,
};

/** Why `node` has not the shape of a graph's node; undefined if it has. */
export function nodeProblem(node: unknown, nodeCount: number, scopeCount: number): string | undefined {
  if (!isRecord(node)) return "it is no object";
  const { kind, id, scope } = node;
  if (typeof id !== "string" || id === "") return "it has no id";
  if (!isIndex(scope, scopeCount)) return "its scope is out of range";
  if (kind === "input" || kind === "item") return undefined;
  const { after } = node;
  if (!Array.isArray(after) || !after.every((index) => isIndex(index, nodeCount))) return "its `after` is out of range";
  const isSound = (template: unknown): boolean => isTemplate(template, nodeCount);
  switch (kind) {
    case "step":
      if (typeof node["step"] !== "string") return "it names no step";
      if (![undefined, true].includes(node["undo"] as true)) return "its undo is unknown";
      return isSound(node["input"]) ? undefined : "its input is no template";
    case "call":
      if (typeof node["workflow"] !== "string") return "it names no workflow";
      return isSound(node["input"]) ? undefined : "its input is no template";
    case "script": {
      const { script, input, source, max, signals } = node;
      if (typeof script !== "string" || typeof source !== "string") return "it names no script, or no source of it";
      if (!isIndex(max, SCRIPT_CALLS_MAX + 1) || max === 0) return "its max is no whole number from 1";
      if (signals !== null && !(Array.isArray(signals) && signals.every(isSignal))) return "its signals are damaged";
      return isSound(input) ? undefined : "its input is no template";
    }
    case "derive": {
      const { inputs, source } = node;
      if (typeof source !== "string") return "it has no hash of its source";
      return Array.isArray(inputs) && inputs.every(isSound) ? undefined : "its inputs are no templates";
    }
    case "sleep": {
      const { until } = node;
      if (!isRecord(until)) return "it has no time";
      if ("businessDays" in until) {
        const { businessDays, calendar } = until;
        if (!isIndex(businessDays, BUSINESS_DAYS_MAX + 1) || businessDays === 0)
          return "its business days are no count";
        return isCalendar(calendar) ? undefined : "its calendar is none";
      }
      if ("at" in until) return isSound(until["at"]) ? undefined : "its moment is no template";
      return isIndex(until["forMs"], SLEEP_MAX_MS + 1) ? undefined : "its duration is no whole number of milliseconds";
    }
    case "wait": {
      const { signal, for: whom, isChecked, timeoutMs, otherwise } = node;
      if (typeof signal !== "string" || typeof isChecked !== "boolean") return "it names no signal";
      if (timeoutMs !== null && !isIndex(timeoutMs, SLEEP_MAX_MS + 1))
        return "its timeout is no whole number of milliseconds";
      if (otherwise !== null && !isIndex(otherwise, scopeCount)) return "its otherwise is out of range";
      return whom === null || isSound(whom) ? undefined : "what its signal is for is no template";
    }
    case "approval": {
      const { ask, by, not, atLeast, timeoutMs, remindMs, escalate, show } = node;
      if (!Number.isInteger(atLeast) || Number(atLeast) < 1) return "it asks for no whole number of people from 1";
      if (show !== null && !isIndex(show, scopeCount)) return "its show is out of range";
      const times = [timeoutMs, remindMs, isRecord(escalate) ? escalate["afterMs"] : null];
      if (!times.every((ms) => ms === null || isIndex(ms, SLEEP_MAX_MS + 1))) return "a time of it is no whole number";
      if (escalate !== null && !(isRecord(escalate) && isSound(escalate["to"]))) return "its escalation is damaged";
      const isGood = isSound(ask) && (by === null || isSound(by)) && (not === null || isSound(not));
      return isGood ? undefined : "what it asks, or whom, is no template";
    }
    case "attempt": {
      const { body, handler, undo } = node;
      if (![undefined, false].includes(undo as false)) return "its undo is unknown";
      return isIndex(body, scopeCount) && isIndex(handler, scopeCount) ? undefined : "its scopes are out of range";
    }
    case "repeat": {
      const { initial, body, max, onMax } = node;
      if (!isIndex(body, scopeCount)) return "its body is out of range";
      if (!isIndex(max, REPEAT_MAX + 1) || max === 0) return "its max is no whole number from 1";
      if (onMax !== "fail" && onMax !== "last") return "its onMax is unknown";
      return isSound(initial) ? undefined : "what it begins with is no template";
    }
    case "each": {
      const { items, body, concurrency, onError, failAbove, enough } = node;
      if (enough !== undefined && !(isRecord(enough) && isSound(enough["count"]) && isRest(enough["rest"])))
        return "its enough is damaged";
      if (failAbove !== undefined && !isThreshold(failAbove)) return "its failAbove is neither a number nor a share";
      if (!isIndex(body, scopeCount)) return "its body is out of range";
      if (concurrency !== null && !(Number.isInteger(concurrency) && Number(concurrency) >= 1)) {
        return "its concurrency is no whole number from 1";
      }
      if (onError !== "fail" && onError !== "collect") return "its onError is unknown";
      return isSound(items) ? undefined : "its items are no template";
    }
    case "match": {
      const { form, on, arms, otherwise } = node;
      if (form !== "match" && form !== "when") return "its form is unknown";
      if (!Array.isArray(arms) || !arms.every((arm) => isArm(arm, scopeCount))) return "its arms are damaged";
      if (otherwise !== null && !isIndex(otherwise, scopeCount)) return "its otherwise is out of range";
      return isSound(on) ? undefined : "what it looks at is no template";
    }
    default:
      return `its kind ${JSON.stringify(kind)} is unknown`;
  }
}

function isRest(given: unknown): boolean {
  return given === "finish" || given === "stop";
}

function isSignal(given: unknown): boolean {
  return isRecord(given) && typeof given["signal"] === "string" && typeof given["isChecked"] === "boolean";
}

function isThreshold(given: unknown): boolean {
  if (!isRecord(given)) return false;
  const { count, share } = given;
  return isIndex(count, Infinity) || (typeof share === "number" && share >= 0 && share <= 1);
}

function isArm(arm: unknown, scopeCount: number): boolean {
  if (!isRecord(arm) || !isIndex(arm["scope"], scopeCount)) return false;
  const { labels } = arm;
  return Array.isArray(labels) && labels.length > 0 && labels.every((label) => typeof label === "string");
}

/** Why `scope` has not the shape of a graph's scope; undefined if it has. */
export function scopeProblem(scope: unknown, nodeCount: number): string | undefined {
  if (!isRecord(scope)) return "it is no object";
  const { owner, name, nodes, output } = scope;
  if (owner !== -1 && !isIndex(owner, nodeCount)) return "its owner is out of range";
  if (typeof name !== "string") return "it has no name";
  if (!Array.isArray(nodes) || !nodes.every((node) => isIndex(node, nodeCount))) return "its nodes are out of range";
  return isTemplate(output, nodeCount) ? undefined : "its output is no template";
}

function isTemplate(template: unknown, nodeCount: number): boolean {
  if (!isRecord(template)) return false;
  switch (template["kind"]) {
    case "constant":
      return true;
    case "ref": {
      const { node, path } = template;
      const isPart = (part: unknown): boolean => typeof part === "string" || isIndex(part, Infinity);
      return isIndex(node, nodeCount) && Array.isArray(path) && path.every(isPart);
    }
    case "array": {
      const { items } = template;
      return Array.isArray(items) && items.every((item) => isTemplate(item, nodeCount));
    }
    case "object": {
      const { entries } = template;
      const isEntry = (entry: unknown): boolean =>
        Array.isArray(entry) && entry.length === 2 && typeof entry[0] === "string" && isTemplate(entry[1], nodeCount);
      return Array.isArray(entries) && entries.every(isEntry);
    }
    case "expression": {
      const { operator, operands } = template;
      if (typeof operator !== "string" || !Object.hasOwn(OPERAND_COUNTS, operator)) return false;
      if (!Array.isArray(operands) || !operands.every((operand) => isTemplate(operand, nodeCount))) return false;
      return (OPERAND_COUNTS[operator] ?? operands.length) === operands.length;
    }
    default:
      return false;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isIndex(value: unknown, count: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < count;
}
