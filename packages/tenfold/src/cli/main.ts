/** The command line's way in: finds the command, reads its arguments, runs it, and turns what went wrong into words. */
import { nearestName } from "../value/nearest.ts";
import { readArguments } from "./arguments.ts";
import { EXIT, usageError, type Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { exitCodeOf, tellError } from "./errors.ts";
import { overview, helpOf, version } from "./help.ts";
import { outputFailed } from "./standard-output.ts";
import { flush, ownTerminal } from "./terminal.ts";

/** Runs the command line `args`; answers the exit code once all that was written has left this process. */
export async function main(args: readonly string[]): Promise<number> {
  // `tenfold runs | head`: whoever reads has seen enough. Anything else is told once the command is over.
  let failure: Error | undefined;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.yes);
    failure ??= error;
  });
  // There is nobody left to tell.
  process.stderr.on("error", () => {});
  const isJson = args.includes("--json");
  const terminal = ownTerminal(isJson);
  // What steps and configs print must not spoil the one document on stdout.
  // oxlint-disable-next-line no-console
  if (isJson) console.log = console.info = console.debug = console.error;
  // A command that waits is not over because nothing of its own keeps the process going.
  const alive = setInterval(() => undefined, 60_000);
  let code: number;
  try {
    code = await dispatch(args);
  } catch (thrown) {
    tellError(terminal, thrown, args.includes("--verbose"));
    code = exitCodeOf(thrown);
  }
  await flush();
  if (failure !== undefined && code !== EXIT.no) {
    tellError(terminal, outputFailed(failure), args.includes("--verbose"));
    code = EXIT.no;
  }
  clearInterval(alive);
  return code;

  async function dispatch([name, ...rest]: readonly string[]): Promise<number> {
    if (name === undefined || name === "--help" || name === "-h" || (name === "help" && rest.length === 0)) {
      terminal.print(overview());
      return EXIT.yes;
    }
    if (name === "--version" || name === "-v") {
      if (isJson) terminal.document({ version: version() });
      else terminal.print(version());
      return EXIT.yes;
    }
    if (name === "help") return dispatch([rest[0]!, "--help"]);
    const command = await find(name, rest);
    const { words, flags } = readArguments(command, rest);
    if (flags.has("help")) {
      terminal.print(helpOf(command));
      return EXIT.yes;
    }
    return command.run({ command: command.name, words, flags, terminal, folder: process.cwd() });
  }
}

async function find(name: string, rest: readonly string[]): Promise<Command> {
  const known = COMMANDS.find((command) => command.name === name);
  if (known !== undefined) return known.load();
  if (name.startsWith("-")) {
    const meant = rest.find((word) => COMMANDS.some((command) => command.name === word));
    throw usageError(
      meant === undefined
        ? `There is no flag \`${name}\` without a command; nothing was done. See \`tenfold --help\`.`
        : `The command comes first; nothing was done. Write \`tenfold ${meant} ${name} …\`.`,
    );
  }
  const nearest = nearestName(
    name,
    COMMANDS.map((command) => command.name),
  );
  const way = nearest === undefined ? "See `tenfold --help`." : `Did you mean \`tenfold ${nearest}\`?`;
  throw usageError(`There is no command "${name}"; nothing was done. ${way}`, { command: name, nearest });
}
