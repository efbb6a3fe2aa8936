/**
 * Why a run waits: one answer for whoever asks, as data and in words.
 * Invariant: every node that is open is told of, once, in the order of the graph; a construct that only holds others is not.
 */
import { attemptOf } from "./command.ts";
import { formatDuration } from "../value/duration.ts";
import { decidersOf } from "./asked.ts";
import { openRequest, tokenOf } from "./constructs/approval.ts";
import { openCalled } from "./constructs/call.ts";
import { doubtToken, openDoubt } from "./constructs/undertaking.ts";
import type { RunError } from "./entry.ts";
import { pathOf } from "./path.ts";
import type { Binding } from "./queues/line-facts.ts";
import { addressAt } from "./signals.ts";
import { ASLEEP, RETRYING, visitFrames, type Place, type RunState, type Undo } from "./state.ts";
import { undoAttempt } from "./undo.ts";
import { approvalTimes, orNull, wakeTime } from "./wake-time.ts";

/** What one open node waits for; times are ms since 1970, null stands for never. */
export type Wait =
  /** Its body to answer, or a worker to call it. */
  | { readonly kind: "body"; readonly node: string; readonly attempt: number; readonly since: number }
  /** Its turn in a queue to come. */
  | ({ readonly kind: "queue"; readonly node: string; readonly attempt: number; readonly since: number } & InLine)
  | {
      readonly kind: "retry";
      readonly node: string;
      readonly attempt: number;
      readonly at: number;
      readonly error: RunError;
    }
  /** Its undo to answer, or to be called once more at that time. */
  | {
      readonly kind: "undo";
      readonly node: string;
      readonly attempt: number;
      readonly since: number;
      readonly at: number | null;
      readonly error: RunError | null;
    }
  | { readonly kind: "time"; readonly node: string; readonly at: number }
  | {
      readonly kind: "signal";
      readonly node: string;
      readonly signal: string;
      readonly for: string | null;
      readonly until: number | null;
    }
  | {
      readonly kind: "approval";
      readonly node: string;
      /** What a decision on it names. */
      readonly token: string;
      /** Who may decide; null: anybody but those of `not`. */
      readonly of: readonly string[] | null;
      readonly not: readonly string[];
      readonly needed: number;
      /** Who has approved. */
      readonly approved: readonly string[];
      readonly escalatesAt: number | null;
      readonly until: number | null;
    }
  /** Somebody to say whether this attempt happened: what is known of it is an error. */
  | {
      readonly kind: "unsure";
      readonly node: string;
      readonly token: string;
      readonly attempt: number;
      readonly since: number;
      readonly error: RunError;
    }
  /** Another run to end; null: it is not known to be there yet. */
  | { readonly kind: "child"; readonly node: string; readonly workflow: string; readonly child: string | null };

/** Where an attempt stands in a queue, as far as that can be told from outside. */
export interface InLine {
  readonly queue: string;
  /** The limit that the queue shares with others. */
  readonly limit: string | null;
  /** The limit that holds it up, and how it is written; null: none is known to. */
  readonly binds: Binding | null;
  readonly bound: string | null;
  /** One at a time of each key, whatever is set. */
  readonly isStrict?: boolean;
  /** About how many go before it, of its key where the queue has keys; null: nobody knows. */
  readonly ahead: number | null;
  /** About when its turn comes (ms since 1970); null: nobody knows. */
  readonly startsAt: number | null;
  /** The worker that decides; null: none does now. */
  readonly worker: string | null;
}

/** What a run waits for that is under way; `inLine` says of which nodes it is known that they stand in a queue. */
export function waitsOf(state: RunState, inLine: ReadonlyMap<string, InLine> | null = null): readonly Wait[] {
  const waits: Wait[] = [...(state.undos?.values() ?? [])].map(undoWait);
  visitFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes) {
      const wait = waitAt(state, { frame, node });
      if (wait !== undefined) waits.push(inLineWait(wait, inLine?.get(wait.node)));
    }
  });
  return waits;
}

function inLineWait(wait: Wait, inLine: InLine | undefined): Wait {
  if (inLine === undefined || (wait.kind !== "body" && wait.kind !== "retry")) return wait;
  const { node, attempt } = wait;
  return { kind: "queue", node, attempt, since: wait.kind === "body" ? wait.since : wait.at, ...inLine };
}

function undoWait(undo: Undo): Wait {
  const { path: node, since, at, error } = undo;
  return { kind: "undo", node, attempt: undoAttempt(undo), since, at: at === 0 ? null : at, error };
}

/** What one node waits for; undefined: it is not open, or only holds others. */
export function waitAt(state: RunState, place: Place): Wait | undefined {
  const { frame, node } = place;
  if (node.node.kind === "output") return undefined;
  const waits = frame.waits[node.local];
  if (waits !== 0 && waits !== RETRYING && waits !== ASLEEP) return undefined;
  const path = pathOf(state.compiled, frame, node);
  const attempt = attemptOf(place);
  if (waits === 0) return { kind: "body", node: path, attempt, since: frame.readyAt[node.local]! };
  if (waits === RETRYING) {
    const { at, error } = frame.retries!.get(node.local)!;
    return { kind: "retry", node: path, attempt, at, error };
  }
  return sleepAt(state, place, path);
}

function sleepAt(state: RunState, place: Place, path: string): Wait {
  const { node } = place.node;
  const request = openRequest(place);
  if (request !== undefined) {
    const times = approvalTimes(place);
    return {
      kind: "approval",
      node: path,
      token: tokenOf(state, place),
      of: decidersOf(request),
      not: request.not,
      needed: request.atLeast,
      approved: request.approvals.map(({ by }) => by),
      escalatesAt: orNull(times.escalated),
      until: orNull(times["timed-out"]),
    };
  }
  const doubt = openDoubt(place);
  if (doubt !== undefined) {
    const { attempt, begunAt: since, doubt: error } = doubt;
    return { kind: "unsure", node: path, token: doubtToken(state, place, attempt), attempt, since, error };
  }
  if (node.kind === "call")
    return { kind: "child", node: path, workflow: node.workflow, child: openCalled(place)?.child ?? null };
  const at = wakeTime(state, place);
  if (node.kind !== "wait") return { kind: "time", node: path, at };
  const whom = node.for === null ? null : addressAt(state, place).slice(node.signal.length + 1);
  return { kind: "signal", node: path, signal: node.signal, for: whom, until: orNull(at) };
}

/** Behind the node's name: "waits for the signal paid, 3 d more at most"; `left` words a duration. */
export function waitText(wait: Wait, now: number, left: (ms: number) => string = formatDuration): string {
  const more = (until: number | null): string =>
    until === null ? "" : `, ${left(Math.max(0, until - now))} more at most`;
  switch (wait.kind) {
    case "body":
    case "retry": {
      const again = wait.attempt > 1 ? `, for the ${ordinal(wait.attempt)} time` : "";
      const isDue = wait.kind === "body" || wait.at <= now;
      return isDue
        ? `is open, and its body has not answered${again}`
        : `is to be tried again in ${left(wait.at - now)}${again}`;
    }
    case "queue":
      return queueText(wait, now, left);
    case "undo": {
      const again = wait.attempt > 1 ? `, for the ${ordinal(wait.attempt)} time` : "";
      return wait.at === null || wait.at <= now
        ? `is being undone${again}`
        : `is to be undone in ${left(wait.at - now)}${again}`;
    }
    case "time":
      return `sleeps for ${left(Math.max(0, wait.at - now))} more`;
    case "signal":
      return `waits for the signal ${wait.signal}${wait.for === null ? "" : ` for ${wait.for}`}${more(wait.until)}`;
    case "approval": {
      const who = wait.of === null ? "anybody" : wait.of.join(" or ");
      const but = wait.not.length === 0 ? "" : `, but not ${wait.not.join(" or ")}`;
      const many = wait.needed === 1 ? "" : `, ${wait.approved.length} of ${wait.needed} have approved`;
      const { escalatesAt } = wait;
      const later = escalatesAt === null || escalatesAt <= now ? "" : `, escalated in ${left(escalatesAt - now)}`;
      return `waits for an approval of ${who}${but}${many}${later}${more(wait.until)}`;
    }
    case "unsure": {
      const again = wait.attempt > 1 ? `the ${ordinal(wait.attempt)} time ` : "";
      return `may have happened ${again}${left(Math.max(1, now - wait.since))} ago, and waits for somebody to say whether it did: ${wait.error.message}`;
    }
    case "child":
      return wait.child === null
        ? `waits for its child, a run of ${wait.workflow}, to be started`
        : `waits for its child, run ${wait.child} of ${wait.workflow}`;
  }
}

/** "waits for its turn in the queue enrich: 5 at once of the limit crm is what holds it up, about 40 go before it, …". */
function queueText(wait: InLine, now: number, left: (ms: number) => string): string {
  const { queue, binds, ahead, startsAt, worker } = wait;
  if (binds?.kind === "paused") {
    const what = binds.of === "shared" ? `whose limit ${wait.limit} is paused` : "which is paused";
    return `waits for its turn in the queue ${queue}, ${what}`;
  }
  const facts = [
    ...(worker === null ? ["no worker decides there now"] : boundText(wait, now, left)),
    ...(ahead === null ? [] : [ahead === 0 ? "it is next" : `about ${ahead} ${ahead === 1 ? "goes" : "go"} before it`]),
    ...(startsAt === null || startsAt <= now ? [] : [`its turn comes in about ${left(startsAt - now)}`]),
  ];
  return `waits for its turn in the queue ${queue}${facts.length === 0 ? "" : `: ${facts.join(", ")}`}`;
}

function boundText({ binds, bound, limit }: InLine, now: number, left: (ms: number) => string): readonly string[] {
  if (binds === null) return [];
  if (binds.kind === "slow") return [`it was told to come later, in ${left(Math.max(0, (binds.until ?? now) - now))}`];
  if (binds.kind === "batch") return ["it waits for others to start with in a batch"];
  const whose = { shared: ` of the limit ${limit}`, queue: "", key: " of its key" }[binds.of];
  return [`${bound ?? `its ${binds.kind}`}${whose} is what holds it up`];
}

function ordinal(number: number): string {
  const [teens, last] = [number % 100, number % 10];
  const ending = teens >= 11 && teens <= 13 ? "th" : (["th", "st", "nd", "rd"][last] ?? "th");
  return `${number}${ending}`;
}
