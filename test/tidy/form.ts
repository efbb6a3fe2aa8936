/** How a source file looks: its opening sentence, its length, its names, and what stands at its top level. */
import { posix } from "node:path";
import { matches, place, type SourceFile } from "./repository.ts";

const LINES_MAX = 350;
const LINES_AIM = 250;

/** Files that do not say, in a sentence, what they are responsible for. */
export function silentFiles(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ text }) => !/^(?:\/\*\*|\/\/) *[A-Z`"][^\n]*/.test(openingOf(text)) || !/[.:]/.test(openingOf(text)))
    .map(({ path }) => `${path} does not open with a comment sentence that says what it is responsible for`);
}

function openingOf(text: string): string {
  const lines = text.replace(/^#!.*\n/, "");
  const block = /^\/\*\*[^]*?\*\//.exec(lines)?.[0];
  return (block ?? /^(?:\/\/.*\n)+/.exec(lines)?.[0] ?? "").replace(/^\/\*\*\n \* /, "/** ");
}

export function longFiles(files: readonly SourceFile[], linesMax: number = LINES_MAX): readonly string[] {
  return files
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > linesMax)
    .map(
      ({ path, lines }) => `${path} has ${lines} lines, more than ${linesMax}: find the second idea in it, and name it`,
    );
}

/** Files that are longer than a file should be, though not refused. */
export function filesToSplit(files: readonly SourceFile[]): readonly string[] {
  return longFiles(files, LINES_AIM);
}

const EMPTY_NAMES =
  /^(?:utils?|helpers?|types?|common|misc|data|info|shared)$|^(?:.*-)?(?:utils?|helpers?|misc)(?:-.*)?$/;
const KEBAB_CASE = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** File names that say nothing of what is in them. */
export function emptyFileNames(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => {
      const name = posix
        .basename(path)
        .replace(/\.[jt]s$/, "")
        .replace(/\.(?:test|config)$/, "");
      // `types.test.ts` tests types, which is an idea.
      return !KEBAB_CASE.test(name) || (!path.endsWith(".test.ts") && EMPTY_NAMES.test(name));
    })
    .map(({ path }) => `${path} is no name of one idea in kebab-case`);
}

export function defaultExports(files: readonly SourceFile[]): readonly string[] {
  const pattern = /\bexport\s+default\b|\bas\s+default\b(?=[^{}]*\})/g;
  return files.flatMap((file) => matches(file, pattern).map(({ at }) => `${at} exports a default: give it a name`));
}

/** The stack of workflows being drawn: the design's one exception. */
const STATEFUL = "packages/tenfold/src/flow/current-drawing.ts";

/** Top-level variables, and top-level collections that start empty, which only makes sense if they are filled later. */
const VARIABLE = /(?:^|[\n;}])[^\S\n]*(?:export\s+)?(?:let|var)\s+\w+/g;
const COLLECTION =
  /(?:^|[\n;}])[^\S\n]*(?:export\s+)?const\s+\w+([^=;\n]*)=\s*(?:\[\s*\]|\{\s*\}|new\s+(?:Weak)?(?:Map|Set)\b[^()\n]*(?:\(\s*\)|(?=;)))/g;

/** State at the top level of a module. */
export function moduleState(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => /^packages\/[^/]+\/src\//.test(path) && path !== STATEFUL)
    .flatMap((file) => {
      const top = topLevelOf(file.code);
      const variables = [...top.matchAll(VARIABLE)];
      const collections = [...top.matchAll(COLLECTION)].filter((found) => !isReadonly(file.code, found[1]!));
      return [...variables, ...collections].map(
        (found) => `${place(file, found.index + 1)} keeps state in the module: ${found[0].trim().split("\n").at(-1)}`,
      );
    });
}

/** Whether a type, written beside a name or as the name of one of this file, cannot be changed. */
function isReadonly(code: string, annotation: string): boolean {
  const name = /^\s*:\s*(\w+)\s*$/.exec(annotation)?.[1] ?? "";
  const meant = new RegExp(`\\btype\\s+${name}\\b[^=]*=([^;]*)`).exec(code)?.[1] ?? "";
  return /\b[Rr]eadonly/.test(annotation) || (name !== "" && /\b[Rr]eadonly/.test(meant));
}

/** `code` with everything inside of braces and parentheses covered by dots: what is empty stays empty. */
function topLevelOf(code: string): string {
  let depth = 0;
  let top = "";
  for (const character of code) {
    if (/[)\]}]/.test(character)) depth--;
    top += depth > 0 && character !== "\n" ? "." : character;
    if (/[([{]/.test(character)) depth++;
  }
  return top;
}

const UNUSED_WORDS =
  /^(?:jobs?|activit(?:y|ies)|executions?|instances?|process(?:es)?|managers?|helpers?|utils?|services?)$/i;

const EXPORTED = [
  /\bexport\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:const|let|class|interface|type|function\*?)\s+([\w$]+)/g,
  /\bexport\s+(?:type\s+)?\{([^}]*)\}/g,
];

/** Exported names with a word in them that the design does not use. */
export function unusedWords(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => /^packages\/[^/]+\/src\//.test(path))
    .flatMap((file) =>
      EXPORTED.flatMap((pattern) => [...file.code.matchAll(pattern)]).flatMap((found) =>
        found[1]!
          .split(",")
          .map((name) => name.trim().split(/\s+/).at(-1)!)
          .filter((name) => wordsOf(name).some((word) => UNUSED_WORDS.test(word)))
          .map((name) => `${place(file, found.index)} exports ${name}, a word that is not used here`),
      ),
    );
}

function wordsOf(name: string): readonly string[] {
  return name.split(/_|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/);
}

const PASSED_OVER = /\b(?:test|it|describe|suite|t|context)\s*\.\s*(?:skip|todo|only)\b|[{,]\s*(?:skip|todo|only)\s*:/g;

/** Tests that are not run, or that keep others from being run. */
export function passedOverTests(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => path.endsWith(".test.ts"))
    .flatMap((file) => matches(file, PASSED_OVER).map(({ at, found }) => `${at} passes over tests: ${found.trim()}`));
}
