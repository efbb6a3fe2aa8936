/** `approval`: a node that is done when people have decided. */
import { describe } from "../value/describe.ts";
import type { Duration } from "../value/duration.ts";
import { namesDecider } from "../value/plain-name.ts";
import { callDrawing } from "./callback.ts";
import { currentDrawing } from "./current-drawing.ts";
import { addNode, drawingError, drawScope, nodeId, type Drawing } from "./drawing.ts";
import { checkedDuration } from "./durations.ts";
import type { ApprovalNode, Template } from "./graph.ts";
import type { Input, Lifted } from "./lifted.ts";
import { checkName } from "./naming.ts";
import { checkOptionNames } from "./options.ts";
import { lift } from "./template.ts";
import { nodeValue, originOf } from "./value.ts";

/** A name, a role ("role:finance"), or a list of them. */
export type People = Input<string> | Input<readonly string[]>;

export interface ApprovalOptions {
  /** What is asked: a text, or data that whoever shows it knows how to show. */
  readonly ask: Input<string> | { readonly [part: string]: unknown };
  /** Who may decide; anybody, if it is left out. With `atLeast`, so many have to approve; those of `not` may not. */
  readonly by?: People | { readonly anyOf?: People; readonly atLeast?: number; readonly not?: People };
  /** Draws what shows the request to those who decide: a mail, a message with a button. Again at each reminder. */
  show?(request: Lifted<ApprovalRequest>): unknown;
  /** How long it is waited for; without it, for ever. */
  readonly timeout?: Duration;
  /** How long after it was shown it is shown again. */
  readonly remind?: Duration;
  /** Who may decide as well, after how long; it is shown again then. */
  readonly escalate?: { readonly after: Duration; readonly to: People };
}

/** What `show` is given. */
export interface ApprovalRequest {
  /** Names the request to `tenfold.approve` and `tenfold.refuse`. It says which one, not who: whoever takes an answer has to know that. */
  readonly token: string;
  readonly ask: unknown;
  /** Those who may decide now; none: anybody may. */
  readonly to: readonly string[];
  readonly reason: "asked" | "reminded" | "escalated";
}

/** What came of it. One refusal refuses. */
export interface Decided<Outcome extends string = "approved" | "refused"> {
  readonly outcome: Outcome;
  /** Who decided last; null where its time was over. */
  readonly by: string | null;
  readonly comment: string | null;
  /** Everybody who approved, in order. */
  readonly approvals: readonly { readonly by: string; readonly comment: string | null }[];
}

/**
 * `approval({ ask: "Refund 300 €?", by: { anyOf: "role:finance", not: order.clerk }, timeout: "3 days" })`: a person decides, with
 * `tenfold approve`, or through whatever `show` sent them.
 */
export interface Approval {
  (options: ApprovalOptions & { readonly timeout: Duration }): Lifted<Decided<"approved" | "refused" | "timed-out">>;
  (options: ApprovalOptions & { readonly timeout?: undefined }): Lifted<Decided>;
  /** Names the node that is drawn. */
  as(name: string): Approval;
}

export const approval: Approval = makeApproval(undefined);

const OPTIONS = { known: ["ask", "by", "show", "timeout", "remind", "escalate"], later: [] };
const BY = { known: ["anyOf", "atLeast", "not"], later: [] };
const ESCALATE = { known: ["after", "to"], later: [] };

function makeApproval(name: string | undefined): Approval {
  const draw = (options: ApprovalOptions): unknown => {
    const drawing = currentDrawing("`approval`", "A step's body ends, and the workflow waits between two steps.");
    return drawApproval(drawing, nodeId(drawing, name ?? "approval"), options);
  };
  const as = (given: string): Approval => makeApproval(checkName("APPROVAL_INVALID", "an approval", given));
  return Object.freeze(Object.assign(draw, { as })) as unknown as Approval;
}

function drawApproval(drawing: Drawing, id: string, options: ApprovalOptions): unknown {
  const owner = `approval "${id}" of workflow "${drawing.workflow}"`;
  checkOptionNames(owner, options, OPTIONS, "APPROVAL_INVALID");
  const { ask, show, timeout, remind, escalate } = options;
  if (Object.hasOwn(options, "by") && options.by === undefined) throw openToAll(drawing, id, "by");
  if (ask === undefined) throw refused(drawing, id, "it asks nothing", 'Say what is asked: `ask: "Refund 300 €?"`.');
  if (show !== undefined && (typeof show !== "function" || originOf(show) !== undefined)) {
    throw refused(
      drawing,
      id,
      "its `show` is no function",
      "Give what is drawn to show it: `show: (request) => mail(request)`.",
    );
  }
  if (remind !== undefined && show === undefined) {
    throw refused(
      drawing,
      id,
      "it has `remind`, and no `show` that could",
      "Give `show`, which is drawn at each reminder.",
    );
  }
  if (escalate !== undefined) checkOptionNames(`the escalation of ${owner}`, escalate, ESCALATE, "APPROVAL_INVALID");
  if (escalate !== undefined && peopleIn(drawing, id, "escalate.to", escalate.to) === null) {
    throw refused(drawing, id, "its `escalate` says not to whom", 'Give both: `{ after: "2 days", to: "kim" }`.');
  }
  const ms = (what: string, given: Duration | undefined): number | null =>
    given === undefined ? null : checkedDuration(drawing, id, what, given);
  const remindMs = ms("its `remind`", remind);
  if (remindMs !== null && remindMs < 1000) {
    throw refused(drawing, id, "it reminds more often than once a second", "Give people the time to read it.");
  }
  const { scope, after } = drawing;
  const people = deciders(drawing, id, owner, options.by);
  const node: ApprovalNode = {
    kind: "approval",
    id,
    scope,
    after,
    ask: lift(drawing, id, "`ask`", ask).template,
    ...people,
    timeoutMs: ms("its timeout", timeout),
    remindMs,
    escalate:
      escalate === undefined
        ? null
        : {
            afterMs: checkedDuration(drawing, id, "`escalate.after`", escalate.after),
            to: peopleIn(drawing, id, "escalate.to", escalate.to)!,
          },
    show: show === undefined ? null : drawing.scopes.length,
  };
  mustBePossible(drawing, node);
  mustComeInTime(drawing, node);
  const index = addNode(drawing, node);
  if (show !== undefined) {
    drawScope(drawing, index, "show", (inner) => {
      const request = addNode(drawing, { kind: "item", id: nodeId(drawing, "request"), scope: inner });
      callDrawing(drawing, "APPROVAL_INVALID", id, () => show(nodeValue(drawing, request) as Lifted<ApprovalRequest>));
      return { kind: "constant", value: null };
    });
  }
  return nodeValue(drawing, index);
}

function deciders(
  drawing: Drawing,
  id: string,
  owner: string,
  by: ApprovalOptions["by"],
): Pick<ApprovalNode, "by" | "not" | "atLeast"> {
  const isPlain = typeof by === "object" && by !== null && !Array.isArray(by) && originOf(by) === undefined;
  if (!isPlain) return { by: peopleIn(drawing, id, "by", by), not: null, atLeast: 1 };
  checkOptionNames(`the \`by\` of ${owner}`, by, BY, "APPROVAL_INVALID");
  const isObject = [Object.prototype, null].includes(Object.getPrototypeOf(by) as object | null);
  if (!isObject || Object.keys(by).length === 0) throw openToAll(drawing, id, "by");
  for (const part of ["anyOf", "not"]) {
    if (Object.hasOwn(by, part) && (by as Record<string, unknown>)[part] === undefined)
      throw openToAll(drawing, id, `by.${part}`);
  }
  const { anyOf, atLeast = 1, not } = by as { anyOf?: People; atLeast?: number; not?: People };
  if (!Number.isInteger(atLeast) || atLeast < 1) {
    throw refused(drawing, id, `its \`atLeast\` is ${describe(atLeast)}`, "Give a whole number of people from 1.");
  }
  return { by: peopleIn(drawing, id, "by.anyOf", anyOf), not: peopleIn(drawing, id, "by.not", not), atLeast };
}

function peopleIn(drawing: Drawing, id: string, role: string, given: unknown): Template | null {
  if (given === undefined) return null;
  const { template } = lift(drawing, id, `\`${role}\``, given);
  const parts = template.kind === "array" ? template.items : [template];
  const isNamed = (part: Template): boolean => part.kind === "ref" || (part.kind === "constant" && isNames(part.value));
  if (parts.every(isNamed)) return template;
  const way = 'Give a name, a role such as "role:finance", or a list of them.';
  throw refused(drawing, id, `its \`${role}\` names nobody`, way);
}

function isNames(value: unknown): boolean {
  const list = Array.isArray(value) ? (value as unknown[]) : [value];
  return list.every((name) => namesDecider(name));
}

/** Where all names are known now, and none is a role, it is known whether there are enough of them. */
function mustBePossible(drawing: Drawing, { id, by, not, atLeast, escalate }: ApprovalNode): void {
  const lists = [by, escalate?.to ?? null].filter((people) => people !== null).map(namesIn);
  if (by === null || lists.includes(undefined)) return;
  const excluded = not === null ? [] : (namesIn(not) ?? []);
  const named = new Set(lists.flatMap((names) => names!).filter((name) => !excluded.includes(name)));
  if (named.size >= atLeast || [...named].some((name) => name.startsWith("role:"))) return;
  const who = named.size === 0 ? "nobody" : `only ${[...named].join(", ")}`;
  throw drawingError("APPROVAL_IMPOSSIBLE", drawing, id, {
    happened: `it needs ${atLeast === 1 ? "an approval" : `${atLeast} approvals`}, and ${who} may decide`,
    wayOut: "Name more people, or ask for fewer.",
  });
}

/** A reminder or an escalation that its own timeout always forestalls was meant otherwise. */
function mustComeInTime(drawing: Drawing, { id, timeoutMs, remindMs, escalate }: ApprovalNode): void {
  if (timeoutMs === null) return;
  const late = (what: string): Error =>
    refused(drawing, id, `its ${what} is not before its \`timeout\`, so it never comes`, "Make the timeout longer.");
  if (escalate !== null && escalate.afterMs >= timeoutMs) throw late("`escalate.after`");
  if (remindMs !== null && remindMs >= timeoutMs) throw late("`remind`");
}

function namesIn(template: Template): readonly string[] | undefined {
  if (template.kind !== "constant") return undefined;
  return Array.isArray(template.value) ? (template.value as readonly string[]) : [template.value as string];
}

function refused(drawing: Drawing, id: string, happened: string, wayOut: string): Error {
  return drawingError("APPROVAL_INVALID", drawing, id, { happened, wayOut });
}

/** What is missing where people were to be named is not taken for anybody. */
function openToAll(drawing: Drawing, id: string, role: string): Error {
  const way = `Name somebody, or leave \`${role}\` out, where that is meant.`;
  return refused(drawing, id, `its \`${role}\` is there and names nobody`, way);
}
