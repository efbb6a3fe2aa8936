/** Steps whose bodies are called on threads: this is the module that the threads import. */
import { isMainThread, threadId } from "node:worker_threads";
import { NotDone, RateLimited, step, TenfoldError, workflow } from "../../../src/index.ts";

export const block = step("block", {
  threads: import.meta.url,
  run(ms: number): { thread: number; isMain: boolean } {
    for (const until = Date.now() + ms; Date.now() < until;);
    return { thread: threadId, isMain: isMainThread };
  },
});

/** Answers when it was called (ms since 1970). */
export const rated = step("rated", {
  threads: import.meta.url,
  queue: { rate: "20/s burst 1" },
  run(ms: number): number {
    const called = Date.now();
    while (Date.now() < called + ms);
    return called;
  },
});

/** It never listens. */
export const endless = step("endless", {
  threads: import.meta.url,
  timeout: "100ms",
  retry: { attempts: 1 },
  run(_given: null, ctx): null {
    ctx.progress(0);
    for (;;);
  },
});

export const heeding = step("heeding", {
  threads: import.meta.url,
  run: (_given: null, { signal }) =>
    new Promise<string>((resolve) => {
      signal.addEventListener("abort", () => resolve(`${threadId} stopped: ${(signal.reason as Error).message}`));
    }),
});

export const exits = step("exits", {
  threads: import.meta.url,
  retry: { first: "1ms" },
  run(how: "exit" | "throw later", { attempt }): number | Promise<number> {
    if (attempt > 1) return attempt;
    if (how === "exit") process.exit(3);
    setTimeout(() => {
      throw new Error("nobody caught it");
    });
    return new Promise(() => {});
  },
});

class OwnError extends Error {
  override name = "OwnError";
  readonly status = 418;
  readonly wontClone = (): void => {};
}

const ERRORS: Readonly<Record<string, () => unknown>> = {
  own: () => new OwnError("of its own", { cause: new RangeError("below it") }),
  type: () => new TypeError("no such method"),
  "rate limited": () => new RateLimited(70, "slow down"),
  "not done": () => new NotDone("nothing happened"),
  tenfold: () => new TenfoldError("FILE_UNKNOWN", "no such file", { facts: { file: "a" } }),
  text: () => "just a text",
  function: () => () => 1,
};

export const throws = step("throws", {
  threads: import.meta.url,
  retry: { attempts: 1 },
  run(what: string): null {
    throw ERRORS[what]!();
  },
});

export const telling = step("telling", {
  threads: import.meta.url,
  run(_given: null, ctx): { key: string; random: number; uuid: string; now: number; run: string } {
    ctx.log.info("computing", { how: "hard", with: () => 1 });
    ctx.progress(1, 2);
    ctx.spent(7);
    return { key: ctx.key, random: ctx.random(), uuid: ctx.uuid(), now: ctx.now(), run: ctx.run.id };
  },
});

export const filing = step("filing", {
  threads: import.meta.url,
  async run(text: string, { files }) {
    const { write } = files;
    const ref = await write("a.txt", text);
    await write("b.bin", new Blob([new Uint8Array([1, 2, 3])], { type: "application/octet-stream" }));
    const failed = await files.read("none").then(
      () => "found",
      (error: TenfoldError) => String(error.code),
    );
    const names = (await files.list()).map(({ name }) => name);
    const [again, other] = [await files.read(ref), await files.read("b.bin")];
    return { names, failed, text: await again.text(), type: other.type, bytes: [...(await other.bytes())] };
  },
});

export const unsendable = step("unsendable", { threads: import.meta.url, run: (_given: null) => (() => 1) as never });

export const undone = step("undone", {
  threads: import.meta.url,
  run: (text: string) => text.toUpperCase(),
  undo: (input, output, ctx) => ctx.log.info(`${input} ${output} on ${isMainThread ? "the main thread" : "a thread"}`),
});

/** Not exported beside its workflow. */
const drawn = step("drawn", { threads: import.meta.url, run: (n: number) => (isMainThread ? -1 : n + 1) });
export const drawing = workflow<number>("drawing", { flow: (n) => drawn(n) });

/** Exported by nobody. */
const hidden = step("hidden", { threads: import.meta.url, retry: { attempts: 1 }, run: (n: number) => n });
export const hiding = (): typeof hidden => hidden;

export const named = step("named", {
  threads: { module: import.meta.url, export: "named" },
  run: () => "by its export",
});

export const misnamed = step("misnamed", {
  threads: { module: import.meta.url, export: "block" },
  run: () => null,
});
