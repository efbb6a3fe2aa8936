/** `tenfold check`: says what is wrong with workflows before they run. */
import { checkAll } from "../check-all.ts";
import type { Finding } from "../check.ts";
import { EXIT, type Call, type Command } from "../command.ts";
import { mustLoad, workflowNamed } from "../opening.ts";
import { wrapped } from "../columns.ts";
import type { Terminal } from "../terminal.ts";
import { plural } from "../time-text.ts";

export const checkCommand: Command = {
  name: "check",
  takes: "[workflow]",
  counts: { least: 0, most: 1 },
  summary: "Finds what a workflow's graph, its source, its schedules and its limits show before anything runs.",
  about: "An error is never meant; a note may be. The exit code is 1 if there are errors, 0 if there are none.",
  flags: {},
  examples: [
    { line: "tenfold check", does: "every workflow of the config" },
    { line: "tenfold check lead-intake --json", does: "one workflow, for a program" },
  ],
  async run(call: Call): Promise<number> {
    const config = await mustLoad(call);
    const [name] = call.words;
    const workflows = name === undefined ? config.config.workflows : [workflowNamed(config, name)];
    const findings = await checkAll(workflows, Date.now());
    const errors = findings.filter(({ level }) => level === "error").length;
    if (call.terminal.isJson) {
      call.terminal.document({
        workflows: workflows.map((one) => one.name),
        errors,
        notes: findings.length - errors,
        findings,
      });
    } else {
      tell(
        call.terminal,
        workflows.map((one) => one.name),
        findings,
        errors,
      );
    }
    return errors > 0 ? EXIT.no : EXIT.yes;
  },
};

function tell(terminal: Terminal, workflows: readonly string[], findings: readonly Finding[], errors: number): void {
  for (const { code, level, workflow, node, message } of findings) {
    const word = terminal.paint(level === "error" ? "red" : "yellow", level);
    terminal.print(`${word} ${terminal.paint("bold", `${workflow}/${node}`)} ${terminal.paint("dim", code)}`);
    for (const line of wrapped(message, Math.min(100, terminal.columns) - 2)) terminal.print(`  ${line}`);
  }
  const checked = workflows.length === 1 ? workflows[0]! : plural(workflows.length, "workflow");
  const notes = findings.length - errors;
  const found = `${plural(errors, "error")}, ${plural(notes, "note")}`;
  if (findings.length > 0) terminal.print("");
  terminal.print(`${checked}: ${findings.length === 0 ? "nothing found" : found}.`);
}
