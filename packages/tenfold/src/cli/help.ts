/** The help texts: of the whole command line, and of one command. */
import { createRequire } from "node:module";
import { COMMON_FLAGS, type Command, type Flag } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { pad } from "./columns.ts";

/** This release. */
export function version(): string {
  const described = createRequire(import.meta.url)("../../package.json") as { readonly version: string };
  return described.version;
}

export function overview(): string {
  const width = COMMANDS.reduce((widest, { name }) => Math.max(widest, name.length), 0) + "tenfold  ".length;
  const commands = COMMANDS.map(({ name, does }) => `  ${pad(`tenfold ${name}`, width)}${does}`);
  return [
    "tenfold runs business workflows that hold at ten times their volume.",
    "",
    ...commands,
    "",
    "Every command has --help with examples, and --json for programs.",
    "It reads tenfold.config.ts of this folder or one above it:",
    "",
    `  import { leadIntake } from "./lead-intake.ts";`,
    `  export default { store: "leads.db", workflows: [leadIntake] };`,
    "",
    "Exit codes: 0 yes, 1 no, 2 not enough to say, 4 a command line that cannot be meant.",
  ].join("\n");
}

export function helpOf(command: Command): string {
  const { name, takes, summary, about, flags, examples } = command;
  return [
    summary,
    "",
    `  tenfold ${name}${takes === "" ? "" : ` ${takes}`} [flags]`,
    ...(about === undefined ? [] : ["", about]),
    ...(Object.keys(flags).length === 0 ? [] : ["", "Flags:", ...flagLines(flags)]),
    "",
    "Flags of every command:",
    ...flagLines(COMMON_FLAGS),
    "",
    examples.length === 1 ? "Example:" : "Examples:",
    ...examples.flatMap(({ line, does }) => [`  ${line}`, `      ${does}`]),
  ].join("\n");
}

function flagLines(flags: Readonly<Record<string, Flag>>): string[] {
  const left = Object.entries(flags).map(([name, { short, value }]) => {
    return `--${name}${short === undefined ? "" : `, -${short}`}${value === undefined ? "" : ` <${value}>`}`;
  });
  const width = Math.max(...left.map((text) => text.length)) + 2;
  return Object.values(flags).map(({ text }, index) => `  ${pad(left[index]!, width)}${text}`);
}
