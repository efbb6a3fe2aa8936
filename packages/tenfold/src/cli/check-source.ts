/**
 * Values that a flow's source tests as if they were data: `if (v)`, `v ? a : b`, `v && x`, `!v`, `v ?? x`, `v || x`. Of
 * these TypeScript sees some, and not where the value is used further on; while the workflow is drawn a value is always
 * there, so that they always go the same way.
 * Invariant: conservative. Only names that surely hold a value are looked for (the flow's parameter, results of its
 * steps and constructs) and that nothing else in it is called, and nothing inside of `derive` or `step`, whose
 * functions are given data under what may be the same names.
 */
import type { WorkflowDefinition } from "../flow/definition.ts";
import { plainCode } from "./source-code.ts";

export interface SourceFinding {
  readonly node: string;
  readonly message: string;
}

const CONSTRUCTS = [
  "match",
  "when",
  "each",
  "after",
  "derive",
  "sleep",
  "sleepUntil",
  "waitFor",
  "approval",
  "attempt",
  "repeat",
  "call",
];
const NAME = String.raw`[A-Za-z_$][\w$]*`;
const PATH = String.raw`(?:\s*\??\.\s*${NAME}|\s*\[[^\]\n]*\])*`;
/** No operator before it that binds it closer than what is looked for behind it: in `a === v || b` it is compared. */
const FREE = String.raw`(?<!(?:[=!]=|<=?|(?<!=)>=?|[-+*/%!~]|\b(?:typeof|await|instanceof|in|void|new))\s*)`;

/** What stands before and after a value that is tested, and how that reads. */
const TESTS: readonly (readonly [before: string, after: string, text: (value: string) => string])[] = [
  [String.raw`!\s*`, String.raw`(?!\s*[\w$.(!=])`, (value) => `!${value}`],
  [FREE, String.raw`\s*\?\?`, (value) => `${value} ?? …`],
  [FREE, String.raw`\s*\|\|`, (value) => `${value} || …`],
  [FREE, "\\s*&&", (value) => `${value} && …`],
  [FREE, String.raw`\s*\?(?![?.])`, (value) => `${value} ? …`],
  [String.raw`\bif\s*\(\s*`, String.raw`\s*\)`, (value) => `if (${value})`],
  [String.raw`\bwhile\s*\(\s*`, String.raw`\s*\)`, (value) => `while (${value})`],
];

/** One finding for each place, in the order of the source. */
export function testedValues({ source, steps, graph }: WorkflowDefinition): readonly SourceFinding[] {
  if (source === undefined) return [];
  const scripts = graph.nodes.flatMap((node) => (node.kind === "script" ? [node.script] : []));
  const code = withoutBodies(plainCode(source));
  const { values, data } = declaredIn(code, new Set([...steps.keys(), ...scripts].map(camelCase)));
  const names = new Set([...parameterOf(code), ...values]).difference(new Set([...data, ...parametersIn(code)]));
  if (names.size === 0) return [];
  const name = `(?:${[...names].map((one) => one.replaceAll("$", String.raw`\$`)).join("|")})`;
  const value = String.raw`(?<![\w$.])(${name}(?![\w$])${PATH})`;
  const places = TESTS.flatMap(([before, after, text]) =>
    [...code.matchAll(new RegExp(before + value + after, "g"))].map((found) => {
      const tested = found[1]!.replaceAll(/\s+/g, "");
      return { at: found.index, tested, text: text(tested) };
    }),
  );
  return places
    .sort((a, b) => a.at - b.at)
    .map(({ at, tested, text }) => ({ node: "flow", message: messageFor(tested, text, lineOf(code, at)) }));
}

function messageFor(value: string, text: string, line: number): string {
  return `Line ${line} of its \`flow\` has \`${text}\`. While the workflow is drawn, \`${value}\` stands for a result that is not there yet and always counts as there, so this always goes the same way. Write \`when(present(${value}), …)\`; where it is true or false, \`when(${value}, …)\` or \`not(${value})\`; or \`derive(${value}, (it) => …)\`.`;
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
  return targetsOf(taken[1]!);
}

/** Names that are given the result of a step or a construct, `const company = enrich(lead)`, and those of all else. */
function declaredIn(code: string, steps: ReadonlySet<string>) {
  const declared = new RegExp(
    String.raw`\b(?:const|let|var)\s+(${NAME}|\{[^{}=]*\})\s*=\s*(${NAME}(?:\s*\.\s*${NAME})*\s*\()?`,
    "g",
  );
  const values: string[] = [];
  const data: string[] = [];
  for (const [, target, called = ""] of code.matchAll(declared)) {
    const callee = namesIn(called).findLast((name) => name !== "as" && name !== "with");
    const isValue = callee !== undefined && (steps.has(callee) || CONSTRUCTS.includes(callee));
    (isValue ? values : data).push(...targetsOf(target!));
  }
  return { values, data };
}

/** The names that `{ a, b: c }`, or a plain name, gives a value to. */
function targetsOf(target: string): readonly string[] {
  return target.split(",").flatMap((part) => namesIn(part).at(-1) ?? []);
}

/**
 * Parameters of functions that are declared in the flow, or given to a method (`list.map((lead) => …)`): they may be
 * called with data.
 */
function parametersIn(code: string): readonly string[] {
  const inside = code.slice(code.indexOf("(") + 1);
  const functions = new RegExp(
    String.raw`(?:\bfunction\b[^(]*|\b(?:const|let|var)\s+${NAME}\s*=\s*|\.\s*${NAME}\s*\(\s*)(?:\(([^()]*)\)\s*(?:=>|\{)|(${NAME})\s*=>)`,
    "g",
  );
  return [...inside.matchAll(functions)].flatMap(([, several = "", one = ""]) => namesIn(several + one));
}

function namesIn(text: string): readonly string[] {
  return text.match(new RegExp(NAME, "g")) ?? [];
}

/** The code with what stands between the brackets of each `derive(…)` and `step(…)` blanked. */
function withoutBodies(code: string): string {
  const characters = [...code];
  for (const found of code.matchAll(/\b(?:derive|step)\b(?:\s*\.\s*as\s*\([^()]*\))?\s*\(/g)) {
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
