/**
 * The log outside of the store: every program of the crash test appends a line for each thing it is about to do or has
 * done. Invariant: a mark is written in one appending system call before the program goes on, so the file is in the
 * order in which things happened, across programs, and lacks nothing that happened before a kill. A kill may cut the
 * mark that is being written, where a page of the file ends: such a part is left out when the file is read.
 */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import type { LogLevel } from "../../packages/tenfold/src/engine/ports.ts";

/** One program that worked until it was killed has one life, numbered by the supervisor. */
export type Mark = { readonly life: number } & (
  | { readonly kind: "joined"; readonly owner: string }
  /** From now on nothing of the server's ends this life. */
  | { readonly kind: "opened" }
  /** About to take over, and told that it has, or that it has not. */
  | { readonly kind: "takes" | "took" | "spared"; readonly owner: string }
  | { readonly kind: "asked"; readonly order: number }
  | { readonly kind: "accepted"; readonly order: number; readonly run: string; readonly existing: boolean }
  /** `owned` runs are this life's from their start. */
  | { readonly kind: "started"; readonly owned: readonly string[] }
  | { readonly kind: "claimed"; readonly runs: readonly string[] }
  | {
      readonly kind: "before";
      /** Names this call of a body among all calls of all lives. */
      readonly call: string;
      readonly run: string;
      readonly node: string;
      readonly key: string;
      readonly attempt: number;
      readonly now: number;
      /** The calls that made what the body was given. */
      readonly uses: readonly string[];
    }
  | { readonly kind: "effect" | "after" | "threw"; readonly call: string }
  /** `commit` is its number among those of this life. */
  | { readonly kind: "commits"; readonly owner: string; readonly commit: number }
  | {
      readonly kind: "committed";
      readonly owner: string;
      readonly commit: number;
      /** Calls whose results are written. */
      readonly calls: readonly string[];
      readonly finished: readonly string[];
      /** Parked or held: not this life's any more, and not finished. */
      readonly laidDown: readonly string[];
      readonly lost: readonly string[];
    }
  | { readonly kind: "log"; readonly level: LogLevel; readonly message: string }
  /** The last words of a life that kills itself. */
  | { readonly kind: "dying"; readonly moment: string }
  /** Written by the supervisor once the program is gone; `rest` are the lives that were at work then. */
  | { readonly kind: "killed"; readonly rest: readonly number[] }
  /** Written by the supervisor: a life was stopped, and went on; the server was ended without warning, and is back. */
  | { readonly kind: "frozen" | "thawed" | "server-killed" | "server-back" }
);

type Untold<M> = M extends Mark ? Omit<M, "life"> : never;

/** A mark as a life writes it: its own number is added. */
export type NewMark = Untold<Mark>;

export class EffectLog {
  readonly #file: number;
  readonly #life: number;
  #calls = 0;

  constructor(path: string, life: number) {
    this.#file = openSync(path, "a");
    this.#life = life;
  }

  write(mark: NewMark, life: number = this.#life): void {
    // The line before may have been cut.
    writeSync(this.#file, `\n${JSON.stringify({ life, ...mark })}\n`);
  }

  newCall(): string {
    return `${this.#life}.${++this.#calls}`;
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Reads a log that others write, from where it last stopped. */
export class LogReader {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(1 << 20);
  #rest = Buffer.alloc(0);

  constructor(path: string) {
    this.#file = openSync(path, "a+");
  }

  /** The marks that are new since the last call. */
  read(): Mark[] {
    const marks: Mark[] = [];
    for (;;) {
      const length = readSync(this.#file, this.#buffer, 0, this.#buffer.length, null);
      if (length === 0) return marks;
      const bytes = Buffer.concat([this.#rest, this.#buffer.subarray(0, length)]);
      const end = bytes.lastIndexOf("\n") + 1;
      this.#rest = Buffer.from(bytes.subarray(end));
      for (const line of bytes.toString("utf8", 0, end).split("\n")) {
        if (line.endsWith("}")) marks.push(JSON.parse(line) as Mark);
      }
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}
