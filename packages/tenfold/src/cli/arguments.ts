/** Reads what stands after a command; what is unknown or lacks its value is refused with the way out. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { nearestName } from "../value/nearest.ts";
import { COMMON_FLAGS, Flags, usageError, type Command, type Flag } from "./command.ts";

export interface Arguments {
  readonly words: readonly string[];
  readonly flags: Flags;
}

/** The words and flags of `args`; throws USAGE. */
export function readArguments(command: Command, args: readonly string[]): Arguments {
  const known: Readonly<Record<string, Flag>> = { ...command.flags, ...COMMON_FLAGS };
  const options: ParseArgsOptionsConfig = {};
  for (const [name, { type, short }] of Object.entries(known)) {
    options[name] = short === undefined ? { type } : { type, short };
  }
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const given = new Map<string, string | true>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const flag = known[token.name];
    if (flag === undefined) throw unknownFlag(command, known, token.rawName);
    given.set(token.name, flagValue(command, token, flag));
  }
  const flags = new Flags(given);
  if (!flags.has("help")) checkCount(command, words);
  return { words, flags };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function flagValue(command: Command, { name, rawName, value, inlineValue }: OptionToken, flag: Flag): string | true {
  if (flag.type === "boolean") {
    if (value === undefined) return true;
    throw usageError(`\`${rawName}\` takes no value; nothing was done. Write \`${rawName}\` alone.`);
  }
  // `--store --json`: a flag that took the next one for its value. A negative number is a value, if a wrong one.
  const isFlag = value !== undefined && inlineValue !== true && /^-\D/.test(value);
  if (value !== undefined && value !== "" && !isFlag) return value;
  const example = command.examples.find(({ line }) => line.includes(`--${name} `))?.line;
  const shape = `\`--${name} <${flag.value ?? "value"}>\``;
  throw usageError(
    `\`${rawName}\` needs a value; nothing was done. Write ${shape}${example === undefined ? "" : `, for example \`${example}\``}.`,
  );
}

function unknownFlag(command: Command, known: Readonly<Record<string, Flag>>, raw: string): Error {
  const nearest = nearestName(raw.replace(/^-+/, ""), Object.keys(known));
  const way = nearest === undefined ? `See \`tenfold ${command.name} --help\`.` : `Did you mean \`--${nearest}\`?`;
  return usageError(`\`tenfold ${command.name}\` has no flag \`${raw}\`; nothing was done. ${way}`, {
    flag: raw,
    nearest,
  });
}

function checkCount(command: Command, words: readonly string[]): void {
  const { least, most } = command.counts;
  if (words.length >= least && words.length <= most) return;
  const example = command.examples[0]!.line;
  const usage = `\`tenfold ${command.name}${command.takes === "" ? "" : ` ${command.takes}`}\``;
  if (words.length > most) {
    const extra = words.slice(most).map((word) => `"${word}"`);
    const hint = most > 0 && /[{["' ]/.test(words.join("")) ? " Text with spaces or quotes goes in single quotes." : "";
    throw usageError(
      `${extra.join(" ")} is more than ${usage} takes; nothing was done.${hint} For example \`${example}\`.`,
    );
  }
  const missing = [...command.takes.matchAll(/<[^>]+>/g)][words.length]?.[0] ?? command.takes;
  throw usageError(`${missing} is missing; nothing was done. Write ${usage}, for example \`${example}\`.`);
}
