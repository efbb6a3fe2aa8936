/**
 * The part of `tenfold dev` that stays: it starts the child that works, and on a change of what that has loaded,
 * drains it and starts the next. An error in the code ends the child only; the next change has another try.
 */
import { spawn, type ChildProcess } from "node:child_process";
import path from "node:path";
import { EXIT, type Call } from "./command.ts";
import type { ChildMessage } from "./dev-child.ts";
import { exitCodeFor, onInterrupt, type Interrupt } from "./interruption.ts";
import { watchSources, type SourceWatch } from "./source-watch.ts";

const PROGRAM = path.resolve(import.meta.dirname, "../../bin/tenfold.js");

type Wish = { readonly kind: "stop"; readonly signal: Interrupt } | { readonly kind: "reload"; readonly file: string };
type Ended = { readonly kind: "ended"; readonly code: number | null; readonly isFinal: boolean };

export async function superviseChild(call: Call, config: string): Promise<number> {
  const interrupted = onInterrupt().first.then((signal): Wish => ({ kind: "stop", signal }));
  const watch = watchSources(config);
  const wish = (anyFile: boolean): Promise<Wish> => {
    return Promise.race([interrupted, watch.changed(anyFile).then((file): Wish => ({ kind: "reload", file }))]);
  };
  try {
    for (;;) {
      const child = startChild(call, config, watch);
      let next: Wish | Ended = await Promise.race([wish(false), child.ended]);
      if (next.kind === "ended") {
        if (next.isFinal) return next.code ?? EXIT.no;
        say(call, "It has stopped working. What is in the store is kept; the next change of the code starts it again.");
        next = await wish(true);
      }
      if (next.kind === "stop") {
        say(call, "Stopping: what is being done now is finished first. Ctrl-C again stops at once.");
        await child.stop();
        return exitCodeFor(next.signal);
      }
      say(call, `${path.relative(call.folder, next.file)} has changed: loading again.`);
      await child.stop();
    }
  } finally {
    watch.stop();
  }
}

interface Child {
  readonly ended: Promise<Ended>;
  /** Drains it; resolves when it is gone. */
  stop(): Promise<void>;
}

function startChild(call: Call, config: string, watch: SourceWatch): Child {
  const flags = ["store", "postgres", "json", "verbose"].flatMap((name) => {
    const value = call.flags.text(name);
    if (value !== undefined) return [`--${name}`, value];
    return call.flags.has(name) ? [`--${name}`] : [];
  });
  const args = [PROGRAM, "dev", "--child", "--config", config, ...flags];
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    cwd: call.folder,
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  // A second Ctrl-C ends the parent at once; its child must not go on alone.
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  let isFinal = false;
  child.on("message", ({ sources, ends }: ChildMessage) => {
    isFinal = ends;
    watch.follow(new Map(sources));
  });
  const gone = new Promise<number | null>((resolve) => {
    // What it said last may arrive after its end, but not after "close".
    child.once("close", (code) => resolve(code));
    child.once("error", () => resolve(EXIT.no));
  }).finally(() => process.off("exit", kill));
  return { ended: gone.then((code): Ended => ({ kind: "ended", code, isFinal })), stop: () => stopChild(child, gone) };
}

async function stopChild(child: ChildProcess, gone: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  await gone;
}

function say(call: Call, text: string): void {
  call.terminal.say(call.terminal.tint("dim", text));
}
