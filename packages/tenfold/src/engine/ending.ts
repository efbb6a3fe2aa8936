/** What a run ends as, from the last thing that core asks for in it. */
import type { Command } from "../core/command.ts";
import type { RunError } from "../core/entry.ts";
import type { Ending } from "./live-run.ts";

export function endingOf(command: Extract<Command, { kind: "finish" | "fail" | "cancel" }>): Ending {
  switch (command.kind) {
    case "finish":
      return endedAs("completed", command.output === undefined ? null : JSON.stringify(command.output), null);
    case "fail":
      return endedAs("failed", null, command.error);
    case "cancel": {
      const { reason: message, undo } = command;
      const error = { code: "RUN_CANCELLED", message, node: "", attempt: 0 };
      return endedAs("cancelled", null, undo === undefined ? error : { ...error, undo });
    }
  }
}

function endedAs(status: Ending["status"], output: string | null, error: RunError | null): Ending {
  return { kind: "end", status, output, error: error === null ? null : JSON.stringify(error) };
}
