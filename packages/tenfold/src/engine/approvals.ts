/** Approvals from outside: which there are, and somebody's decision; who may not decide is told at once. */
import { openApprovals, type OpenApproval } from "../core/approvals.ts";
import { decidersOf } from "../core/asked.ts";
import { decisionProblem, isRole } from "../core/constructs/approval.ts";
import { FINISHED, type RunRecord } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import { isPlainName } from "../value/plain-name.ts";
import { openInRuns } from "./asked-people.ts";
import { checkOptions, isText, optional, type OptionForm } from "./caller-checks.ts";
import type { Engine } from "./engine.ts";
import { APPROVAL_FACT, approvalFactOf } from "./facts.ts";
import { readRun, stateOf } from "./inspect.ts";
import { sendOne } from "./send-one.ts";

export interface DecisionOptions {
  /** Who decides. tenfold takes your word for it: it does not know people, whoever calls has to. */
  readonly by: string;
  /** Their roles: "finance" may decide what asks for "role:finance". */
  readonly roles?: readonly string[];
  readonly comment?: string;
}

/** An approval that waits for people. */
export interface ApprovalView {
  /** What `approve` and `refuse` take. */
  readonly token: string;
  readonly run: string;
  readonly workflow: string;
  readonly key: string | null;
  readonly tenant: string;
  readonly node: string;
  readonly ask: Json;
  /** Who may decide now; null: anybody. */
  readonly by: readonly string[] | null;
  readonly not: readonly string[];
  readonly atLeast: number;
  /** Who has approved so far. */
  readonly approvals: readonly { readonly by: string; readonly comment: string | null }[];
  /** When it was asked, will be escalated, and is over (ms since 1970); null: never. */
  readonly since: number;
  readonly escalatesAt: number | null;
  readonly timesOutAt: number | null;
}

export interface ApprovalFilter {
  readonly workflow?: string;
  /** Those that this person may decide, with these roles. */
  readonly by?: string;
  readonly roles?: readonly string[];
}

const isNames = (value: unknown): boolean => Array.isArray(value) && value.every((item) => isPlainName(item));
const isPerson = (value: unknown): boolean => isPlainName(value) && !isRole(value);
const ROLES = optional(isNames, 'Give a list of names: `["finance"]`.');

const DECISION: Readonly<Record<keyof DecisionOptions, OptionForm>> = {
  by: { fits: isPerson, way: 'Say who decides, by a name that is no role\'s: `{ by: "kim", roles: ["finance"] }`.' },
  roles: ROLES,
  comment: optional(isText, "Give a text."),
};
const FILTER: Readonly<Record<keyof ApprovalFilter, OptionForm>> = {
  workflow: optional(isText, "Give a workflow's name."),
  by: optional(isPerson, "Give a person's name."),
  roles: ROLES,
};
const NOT_DONE = "nothing was decided";

/** Decides on the approval that `token` names; a run's id does where the run waits for one only. */
export async function decide(
  engine: Engine,
  token: string,
  verdict: "approved" | "refused",
  options: DecisionOptions,
): Promise<{ readonly run: string; readonly node: string }> {
  checkOptions(verdict === "approved" ? "approve" : "refuse", options, DECISION, NOT_DONE);
  const { by, roles = [], comment = null } = options;
  const [run = "", ...rest] = String(token).split(":");
  const record = await readRun(engine, run);
  if (FINISHED.has(record.status)) throw finished(record);
  const { node, request, generation } = chosen(record, openApprovals(await stateOf(engine, record)), rest.join(":"));
  const problem = decisionProblem(request, { by, roles, verdict });
  if (problem !== undefined) {
    const message = `${problem}: ${node} of run ${run} waits on; ${NOT_DONE}. Let somebody decide who may.`;
    throw new TenfoldError("APPROVAL_FORBIDDEN", message, { facts: { run, node, by } });
  }
  const again = generation === 0 ? {} : { generation };
  const body = { kind: "decide", node, verdict, by, roles, comment, ...again } as const;
  const { payloadMax } = engine.settings.limits;
  const size = JSON.stringify(body).length;
  if (size > payloadMax) {
    const message = `What was decided is ${size} characters of JSON with its comment, and at most ${payloadMax} are kept; ${NOT_DONE}. Say it shorter.`;
    throw new TenfoldError("PAYLOAD_TOO_LARGE", message, { facts: { run, node, size, max: payloadMax } });
  }
  const ended = await sendOne(engine, run, body);
  if (ended !== null) throw finished({ ...record, status: ended });
  return { run, node };
}

function chosen({ id }: RunRecord, open: readonly OpenApproval[], path: string): OpenApproval {
  const found = path === "" ? open : open.filter(({ token }) => token === `${id}:${path}`);
  if (found.length === 1) return found[0]!;
  const tokens = open.map(({ token }) => token);
  const [happened, way] =
    tokens.length === 0
      ? ["waits for no approval now", "It was decided, or is not asked for yet: `tenfold show` says which."]
      : path === ""
        ? [`waits for ${open.length} approvals`, `Say which: ${tokens.join(", ")}.`]
        : [`does not wait for the approval "${path}" now`, `It waits for: ${tokens.join(", ")}.`];
  throw new TenfoldError("APPROVAL_UNKNOWN", `Run ${id} ${happened}; ${NOT_DONE}. ${way}`, {
    facts: { run: id, tokens },
  });
}

function finished({ id, status }: RunRecord): TenfoldError {
  const message = `Run ${id} is ${status}, and waits for no approval any more; ${NOT_DONE}.`;
  return new TenfoldError("RUN_FINISHED", message, { facts: { run: id, status } });
}

/** Approvals that wait for people, those of the newest runs first; found by what their runs are indexed by. */
export async function* approvalsOf(engine: Engine, filter: ApprovalFilter): AsyncGenerator<ApprovalView> {
  checkOptions("The filter of approvals", filter, FILTER, "nothing was listed");
  const { workflow, by, roles = [] } = filter;
  if (by === undefined && roles.length > 0) {
    const message =
      "Approvals are asked for with `roles` of nobody; nothing was listed. Say whose roles they are: `by`.";
    throw new TenfoldError("OPTION_UNSUPPORTED", message);
  }
  const names = by === undefined ? [] : [by, ...roles.map((role) => `role:${role}`)];
  const facts = by === undefined ? [APPROVAL_FACT] : [null, ...names].map(approvalFactOf);
  const where = workflow === undefined ? {} : { workflow };
  const unlisted = (run: string): string => `The approvals of run ${run} are not listed.`;
  for await (const [record, found] of openInRuns(engine, { facts, where, openIn: openApprovals, unlisted })) {
    for (const open of found) {
      const isTheirs =
        by === undefined || decisionProblem(open.request, { by, roles, verdict: "approved" }) === undefined;
      if (isTheirs) yield viewOf(record, open);
    }
  }
}

function viewOf({ id, workflow, key, tenant }: RunRecord, open: OpenApproval): ApprovalView {
  const { node, token, request, since, escalatesAt, timesOutAt } = open;
  const { ask, not, atLeast, approvals } = request;
  return {
    token,
    run: id,
    workflow,
    key,
    tenant,
    node,
    ask,
    by: decidersOf(request),
    not,
    atLeast,
    approvals: [...approvals],
    since,
    escalatesAt,
    timesOutAt,
  };
}
