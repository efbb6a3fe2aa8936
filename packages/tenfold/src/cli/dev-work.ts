/** What `tenfold dev` tells while a store is worked: runs that begin and end, attempts that fail; in a flood, sums. */
import path from "node:path";
import type { AttemptEvent, ProgressEvent, RunEvent, TakenEvent, UnsureEvent } from "../engine/events.ts";
import type { RunError } from "../core/entry.ts";
import { startedAtOfRun } from "../value/id.ts";
import { formatDuration } from "../value/duration.ts";
import { brief } from "./columns.ts";
import { watchUnworked } from "./dev-unworked.ts";
import type { Opened } from "./opening.ts";
import { paintStatus } from "./status.ts";
import type { Terminal } from "./terminal.ts";
import { countText, plural } from "./time-text.ts";

/** Lines a second that a person can follow. */
const LINES_MOST = 20;
const SECOND_MS = 1000;

interface Told {
  readonly kind: string;
  readonly workflow: string;
  readonly text: string;
  readonly document: Readonly<Record<string, unknown>>;
  /** Told even in a flood. */
  readonly matters: boolean;
}

/** Tells what happens from now on; answers how to stop. */
export function tellWork(terminal: Terminal, { tenfold, store, config }: Opened): () => void {
  const names = tenfold.workflows.map(({ name }) => name);
  const workflows = names.length === 0 ? "no workflow" : names.join(", ");
  if (terminal.isJson) terminal.document({ event: "ready", store, workflows: names });
  else terminal.print(`${terminal.paint("green", "Working")} ${store}: ${workflows}. Ctrl-C stops.`);
  const flood = new Flood(terminal);
  const paced = new Paced();
  const stops = [
    tenfold.on("taken", (event) => flood.tell(takenText(event))),
    tenfold.on("attempt", (event) => {
      paced.forget(event);
      if (event.outcome === "failed" || event.outcome === "timed-out") flood.tell(attemptText(terminal, event));
    }),
    tenfold.on("progress", (event) => {
      if (paced.isDue(event)) flood.tell(progressText(event));
    }),
    tenfold.on("unsure", (event) => flood.tell(unsureText(terminal, event))),
    tenfold.on("run", (event) => flood.tell(runText(terminal, event, Date.now()))),
    tenfold.on("stall", ({ isStalled, cause }) => {
      const reason = cause instanceof Error ? `: ${brief(cause.message)}` : "";
      const text = isStalled ? `the store takes no writes${reason}` : "the store takes writes again";
      flood.tell({ kind: "stall", workflow: "", text, document: { event: "stall", isStalled }, matters: true });
    }),
    watchUnworked(tenfold, (workflow, runs) => flood.tell(unworkedText(terminal, workflow, runs, config.file))),
  ];
  return () => {
    for (const stop of stops) stop();
    flood.stop();
  };
}

function takenText({ workflow, run, isNew }: TakenEvent): Told {
  const kind = isNew ? "started" : "goes on";
  const document = { event: isNew ? "started" : "resumed", workflow, run };
  return { kind, workflow, text: `${run} ${kind}`, document, matters: false };
}

function attemptText(terminal: Terminal, { workflow, run, node, attempt, outcome, message }: AttemptEvent): Told {
  const what = outcome === "timed-out" ? "timed out" : "failed";
  const text = `${run} ${node}: ${terminal.paint("yellow", `attempt ${attempt} ${what}`)}: ${brief(message ?? "")}`;
  const document = { event: "attempt", workflow, run, node, attempt, outcome, message };
  return { kind: "attempt", workflow, text, document, matters: false };
}

function progressText({ workflow, run, node, done, total }: ProgressEvent): Told {
  const of = total === null ? "" : ` of ${countText(total)}`;
  const document = { event: "progress", workflow, run, node, done, total };
  return { kind: "progress", workflow, text: `${run} ${node}: ${countText(done)}${of}`, document, matters: false };
}

function unsureText(terminal: Terminal, event: UnsureEvent): Told {
  const { workflow, run, node, token, message } = event;
  const asked = `${terminal.paint("yellow", "may have happened")}: ${brief(message)}`;
  const text = `${run} ${node} ${asked}; say whether it did: tenfold resolve ${token}`;
  return { kind: "unsure", workflow, text, document: { event: "unsure", ...event }, matters: true };
}

function runText(terminal: Terminal, { workflow, run, status, error }: RunEvent, now: number): Told {
  const failure = error === null ? null : (JSON.parse(error) as RunError);
  const took = formatDuration(Math.max(1, now - startedAtOfRun(run)));
  const why = failure === null ? "" : `${failure.node === "" ? "" : ` at ${failure.node}`}: ${brief(failure.message)}`;
  const text = `${run} ${paintStatus(terminal.paint, status)} after ${took}${why}`;
  const document = { event: status, workflow, run, error: failure };
  return { kind: status, workflow, text, document, matters: status !== "completed" };
}

function unworkedText(terminal: Terminal, workflow: string, runs: number, config: string): Told {
  const wait = terminal.paint("yellow", `${plural(runs, "run")} ${runs === 1 ? "waits" : "wait"}`);
  const text = `is not in ${path.basename(config)}: ${wait} until it is added to its \`workflows\`, or another program works it`;
  return { kind: "unworked", workflow, text, document: { event: "unworked", workflow, runs }, matters: true };
}

/** Lets each body tell how far it is once a second: many call `ctx.progress` for each of thousands of rows. */
class Paced {
  readonly #told = new Map<string, number>();

  isDue({ run, node }: ProgressEvent): boolean {
    const body = `${run} ${node}`;
    const now = Date.now();
    if (now - (this.#told.get(body) ?? 0) < SECOND_MS) return false;
    this.#told.set(body, now);
    return true;
  }

  forget({ run, node }: AttemptEvent): void {
    this.#told.delete(`${run} ${node}`);
  }
}

/** Prints each line while they are few; beyond that, sums by workflow once a second. */
class Flood {
  readonly #terminal: Terminal;
  readonly #timer: NodeJS.Timeout;
  #printed = 0;
  #hidden = new Map<string, Map<string, number>>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#timer = setInterval(() => this.#second(), SECOND_MS);
    this.#timer.unref();
  }

  tell(told: Told): void {
    const { kind, workflow, text, document, matters } = told;
    if (this.#terminal.isJson) return this.#terminal.document(document);
    if (this.#printed < LINES_MOST || (matters && this.#printed < 2 * LINES_MOST)) {
      this.#printed++;
      this.#terminal.print(`${clock()} ${workflow === "" ? "" : `${workflow} `}${text}`);
      return;
    }
    const kinds = this.#hidden.get(workflow) ?? new Map<string, number>();
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    this.#hidden.set(workflow, kinds);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#second();
  }

  #second(): void {
    this.#printed = 0;
    for (const [workflow, kinds] of this.#hidden) {
      const sums = [...kinds].map(([kind, count]) =>
        kind === "attempt" ? plural(count, "failed attempt") : `${countText(count)} ${kind}`,
      );
      const total = [...kinds.values()].reduce((sum, count) => sum + count, 0);
      this.#terminal.print(`${clock()} ${workflow} … and ${plural(total, "line")} more: ${sums.join(", ")}`);
    }
    this.#hidden = new Map();
  }
}

function clock(): string {
  return new Date().toTimeString().slice(0, 8);
}
