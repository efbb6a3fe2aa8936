/** The files of this checkout, as the tidy rules read them: source files with their code, and pages. */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { codeOf } from "./code-of.ts";

export const ROOT = path.resolve(import.meta.dirname, "../..");

export interface SourceFile {
  /** Below the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
  /** `text` without comments and without the insides of strings, at the same places. */
  readonly code: string;
}

export interface Page {
  readonly path: string;
  readonly text: string;
}

export function sourceFile(at: string, text: string): SourceFile {
  return { path: at, text, code: codeOf(text) };
}

const SOURCES = ["packages/*/{src,bin,test}/**/*.{ts,js}", "examples/**/*.ts", "bench/**/*.ts", "test/**/*.ts"];

/** Every TypeScript file that this repository holds, and the commands' `.js`. */
export function readSources(): readonly SourceFile[] {
  return found(SOURCES).map((at) => sourceFile(at, read(at)));
}

/** Every Markdown page. */
export function readPages(): readonly Page[] {
  return found(["*.md", "{docs,packages,examples,bench,test}/**/*.md"]).map((at) => ({ path: at, text: read(at) }));
}

export function read(at: string): string {
  return readFileSync(path.join(ROOT, at), "utf8");
}

function found(patterns: readonly string[]): readonly string[] {
  const isForeign = (at: string): boolean => /(?:^|\/)(?:node_modules|\.tenfold|outbox)(?:\/|$)/.test(at);
  return globSync([...patterns], { cwd: ROOT, exclude: isForeign })
    .filter((at) => !isForeign(at))
    .map((at) => at.split(path.sep).join("/"))
    .sort();
}

/** `path:line` of a place in a file, as terminals and editors link it. */
export function place(file: SourceFile | Page, at: number): string {
  return `${file.path}:${file.text.slice(0, at).split("\n").length}`;
}

/** Where `pattern` stands in the code of `file`. */
export function matches(file: SourceFile, pattern: RegExp): readonly { readonly at: string; readonly found: string }[] {
  return [...file.code.matchAll(pattern)].map((match) => ({ at: place(file, match.index), found: match[0] }));
}
