/**
 * What a worker in production tells: a line for each thing that somebody may have to look at, and once a minute a sum
 * of the rest. Lines are for logs that are kept, so each has its time; with `--json` each is one document.
 */
import type { RunError } from "../core/entry.ts";
import type { Log, LogLevel } from "../engine/ports.ts";
import type { Tenfold } from "../engine/client.ts";
import { factText, logText } from "../value/log-text.ts";
import { brief, oneLine } from "./columns.ts";
import { watchUnworked } from "./dev-unworked.ts";
import type { Terminal } from "./terminal.ts";

type Facts = Readonly<Record<string, unknown>>;

const SUM_EVERY_MS = 60_000;
/** Runs that went wrong and are told one by one, a minute; the rest is only counted. */
const RUNS_TOLD_MAX = 100;

export class WorkLog implements Log {
  readonly #terminal: Terminal;
  #sums = new Map<string, number>();
  #runsTold = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  write(level: LogLevel, message: string, facts: Facts): void {
    if (level !== "debug") this.tell(level, "log", message, facts);
  }

  /** `event` is for programs, `text` for people; both get the facts. */
  tell(level: LogLevel, event: string, text: string, facts: Facts = {}): void {
    const at = new Date().toISOString();
    if (this.#terminal.isJson) return this.#terminal.print(logText({ at, level, event, message: text, ...facts }));
    const told = Object.entries(facts).filter(([, fact]) => fact !== undefined);
    const details = told.map(([name, fact]) => `${name}=${brief(factText(fact))}`);
    this.#terminal.print([at, level, oneLine(text), ...details].join(" "));
  }

  /** Tells what happens in `tenfold` from now on; answers how to stop, which tells the last sum. */
  follow(tenfold: Tenfold): () => void {
    const timer = setInterval(() => this.#tellSums(), SUM_EVERY_MS).unref();
    const stops = [
      tenfold.on("run", ({ workflow, run, status, error }) => {
        this.#count(status);
        if ((status === "failed" || status === "held") && this.#runsTold++ < RUNS_TOLD_MAX) {
          const { node, message } = JSON.parse(error ?? "{}") as Partial<RunError>;
          this.tell("warn", status, `a run ${status === "held" ? "is held" : "failed"}`, {
            workflow,
            run,
            node,
            message,
          });
        }
      }),
      tenfold.on("attempt", ({ outcome }) => {
        this.#count(outcome === "done" ? "attempts" : "failedAttempts");
      }),
      tenfold.on("unsure", ({ workflow, run, node, attempt, message }) => {
        const what = "a step may have happened: say whether it did, with `tenfold resolve`";
        this.tell("warn", "unsure", what, { workflow, run, node, attempt, message });
      }),
      watchUnworked(tenfold, (workflow, runs) => {
        this.tell("warn", "unworked", "runs wait for a workflow that is not in the config", { workflow, runs });
      }),
    ];
    return () => {
      clearInterval(timer);
      for (const stop of stops) stop();
      this.#tellSums();
    };
  }

  #count(what: string): void {
    this.#sums.set(what, (this.#sums.get(what) ?? 0) + 1);
  }

  #tellSums(): void {
    this.#runsTold = 0;
    if (this.#sums.size === 0) return;
    this.tell("info", "sum", "done since the last sum", Object.fromEntries(this.#sums));
    this.#sums = new Map();
  }
}
