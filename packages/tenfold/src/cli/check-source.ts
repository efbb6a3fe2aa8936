/**
 * Values that a flow's source tests as if they were data: `!v`, `v ?? x`, `v || x`. No type can see them, and while
 * the workflow is drawn a value is always there, so that they always go the same way.
 * Invariant: conservative. Only names that surely hold a value are looked for (the flow's parameter, results of its
 * steps and constructs), and nothing inside of `derive`, whose callback is given data under what may be the same names.
 */
import type { WorkflowDefinition } from "../flow/definition.ts";
import { plainCode } from "./source-code.ts";

export interface SourceFinding {
  readonly node: string;
  readonly message: string;
}

const CONSTRUCTS = ["match", "when", "each", "after", "derive"];
const NAME = String.raw`[A-Za-z_$][\w$]*`;
const PATH = String.raw`(?:\s*\??\.\s*${NAME}|\s*\[[^\]\n]*\])*`;

/** One finding for each place, in the order of the source. */
export function testedValues({ source, steps }: WorkflowDefinition): readonly SourceFinding[] {
  if (source === undefined) return [];
  const code = withoutDerives(plainCode(source));
  const names = new Set([...parameterOf(code), ...resultsIn(code, new Set([...steps.keys()].map(camelCase)))]);
  if (names.size === 0) return [];
  const name = `(?:${[...names].map((one) => one.replaceAll("$", String.raw`\$`)).join("|")})`;
  const value = String.raw`(?<![\w$.])${name}(?![\w$])${PATH}`;
  const patterns = [
    { pattern: new RegExp(String.raw`!\s*(${value})(?!\s*[\w$.(!=])`, "g"), text: (found: string) => `!${found}` },
    { pattern: new RegExp(String.raw`(${value})\s*\?\?=?`, "g"), text: (found: string) => `${found} ?? …` },
    { pattern: new RegExp(String.raw`(${value})\s*\|\|=?`, "g"), text: (found: string) => `${found} || …` },
  ];
  const places = patterns.flatMap(({ pattern, text }) =>
    [...code.matchAll(pattern)].map((found) => ({ at: found.index, text: text(found[1]!.replaceAll(/\s+/g, "")) })),
  );
  return places
    .sort((a, b) => a.at - b.at)
    .map(({ at, text }) => ({ node: "flow", message: messageFor(text, lineOf(code, at)) }));
}

function messageFor(text: string, line: number): string {
  const value = text.replaceAll(/^!| (?:\?\?|\|\|) …$/g, "");
  return `Line ${line} of its \`flow\` has \`${text}\`. While the workflow is drawn, \`${value}\` stands for a result that is not there yet and always counts as there, so this always goes the same way. Write \`when(present(${value}), …)\`, \`not(${value})\` for a condition, or \`derive(${value}, (it) => …)\`.`;
}

/** The flow's first parameter, if it is a plain name; of `{ a, b }`, each of them. */
function parameterOf(code: string): readonly string[] {
  const plain = new RegExp(String.raw`^(?:async\s+)?(?:function\b\s*)?(?:${NAME})?\s*\(\s*(${NAME})\s*[,):]`).exec(
    code,
  );
  if (plain !== null) return [plain[1]!];
  const arrow = new RegExp(String.raw`^(?:async\s+)?(${NAME})\s*=>`).exec(code);
  if (arrow !== null) return [arrow[1]!];
  const taken = /^[^({]*\(\s*\{([^{}]*)\}/.exec(code);
  if (taken === null) return [];
  return taken[1]!.split(",").flatMap((part) => /([\w$]+)\s*$/.exec(part.trim())?.[1] ?? []);
}

/** Names that are given the result of a step or a construct: `const company = enrich(lead)`. */
function resultsIn(code: string, steps: ReadonlySet<string>): readonly string[] {
  const assigned = new RegExp(
    String.raw`\b(?:const|let|var)\s+(${NAME}|\{[^{}=]*\})\s*=\s*(${NAME}(?:\s*\.\s*${NAME})*)`,
    "g",
  );
  return [...code.matchAll(assigned)].flatMap((found) => {
    const rest = code.slice(found.index + found[0].length);
    if (!/^\s*\(/.test(rest)) return [];
    const parts = found[2]!.split(".").map((part) => part.trim());
    const called = parts.findLast((part) => part !== "as" && part !== "with")!;
    if (!steps.has(called) && !CONSTRUCTS.includes(called)) return [];
    const target = found[1]!;
    if (!target.startsWith("{")) return [target];
    return target
      .slice(1, -1)
      .split(",")
      .flatMap((part) => /([\w$]+)\s*$/.exec(part.trim())?.[1] ?? []);
  });
}

/** The code with what stands between the brackets of each `derive(…)` blanked. */
function withoutDerives(code: string): string {
  const characters = [...code];
  for (const found of code.matchAll(/\bderive\b(?:\s*\.\s*as\s*\([^()]*\))?\s*\(/g)) {
    let depth = 1;
    for (let at = found.index + found[0].length; at < characters.length && depth > 0; at++) {
      if (characters[at] === "(") depth++;
      else if (characters[at] === ")") depth--;
      if (depth > 0 && characters[at] !== "\n") characters[at] = " ";
    }
  }
  return characters.join("");
}

function lineOf(code: string, at: number): number {
  return code.slice(0, at).split("\n").length;
}

/** The name that a step `hand-over` is usually kept under: `handOver`. */
function camelCase(step: string): string {
  return step.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
