/** `tenfold graph`: draws a workflow, as text or for Mermaid. */
import { formatDuration } from "../../value/duration.ts";
import { EXIT, usageError, type Call, type Command } from "../command.ts";
import { graphMermaid } from "../graph-mermaid.ts";
import { graphText } from "../graph-text.ts";
import { mustLoad, workflowNamed } from "../opening.ts";

export const graphCommand: Command = {
  name: "graph",
  takes: "<workflow>",
  counts: { least: 1, most: 1 },
  summary: "Draws a workflow: what runs side by side, what waits for what, which arm is taken when.",
  flags: { format: { type: "string", value: "name", text: "text (the default) or mermaid" } },
  examples: [
    { line: "tenfold graph lead-intake", does: "as text" },
    {
      line: "tenfold graph lead-intake --format mermaid > lead-intake.mmd",
      does: "for mermaid.live, GitHub, GitLab, Notion",
    },
  ],
  async run({ words, flags, terminal, ...call }: Call): Promise<number> {
    const format = flags.text("format") ?? "text";
    if (format !== "text" && format !== "mermaid") {
      throw usageError(
        `There is no format "${format}"; nothing was drawn. Write \`--format text\` or \`--format mermaid\`.`,
      );
    }
    const config = await mustLoad({ words, flags, terminal, ...call });
    const { name, hash, graph, steps, debounce, triggers = [] } = workflowNamed(config, words[0]!);
    const drawing = format === "text" ? graphText(graph, steps) : graphMermaid(graph, steps);
    if (terminal.isJson) terminal.document({ workflow: name, hash, format, drawing, graph });
    else terminal.print(drawing);
    if (terminal.isJson || format !== "text" || (triggers.length === 0 && debounce === undefined)) return EXIT.yes;
    const { triggerText } = await import("../trigger-words.ts");
    terminal.print("");
    if (debounce !== undefined) {
      const { waitMs, maxMs } = debounce;
      const begins = `${formatDuration(waitMs)} after the last of them, ${formatDuration(maxMs)} after the first at the latest`;
      terminal.print(`Starts of one key are one run, on the last input, which begins ${begins}.`);
    }
    for (const trigger of triggers) terminal.print(`Started by ${triggerText(trigger)}.`);
    return EXIT.yes;
  },
};
