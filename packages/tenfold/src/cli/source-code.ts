/** JavaScript without what is not code: comments become blanks, strings and regular expressions quotes around blanks. */

/** `source` with the same length and lines, and nothing in it that only looks like code. */
export function plainCode(source: string): string {
  let plain = "";
  let at = 0;
  // Brackets of `${…}` in templates: what is in them is code again.
  const templates: number[] = [];
  let depth = 0;
  while (at < source.length) {
    const end = endOfText(source, at, plain);
    if (end > at) {
      const isComment = /^\/[/*]/.test(source.slice(at, at + 2));
      plain += isComment ? blank(source.slice(at, end)) : emptied(source.slice(at, end));
      at = end;
      continue;
    }
    const character = source[at]!;
    if (character === "`" || (character === "}" && templates.at(-1) === depth)) {
      if (character === "}") templates.pop();
      const { end: stop, opens } = endOfTemplate(source, at + 1);
      plain += emptied(source.slice(at, stop));
      at = stop;
      if (opens) templates.push(depth);
      continue;
    }
    if (character === "{") depth++;
    if (character === "}") depth--;
    plain += character;
    at++;
  }
  return plain;
}

/** Where the comment, string or regular expression that begins at `at` ends; `at` itself if none begins there. */
function endOfText(source: string, at: number, before: string): number {
  const two = source.slice(at, at + 2);
  if (two === "//") return endAt(source.indexOf("\n", at), source);
  if (two === "/*") return endAt(source.indexOf("*/", at + 2) + 2, source);
  const character = source[at]!;
  if (character === '"' || character === "'") return endOfQuoted(source, at, character);
  if (character === "/" && isRegexPlace(before)) return endOfQuoted(source, at, "/");
  return at;
}

function endAt(index: number, source: string): number {
  return index < 2 ? source.length : index;
}

function endOfQuoted(source: string, at: number, quote: string): number {
  let isClass = false;
  for (let index = at + 1; index < source.length; index++) {
    const character = source[index]!;
    if (character === "\\") index++;
    else if (character === "\n") return index;
    else if (quote === "/" && character === "[") isClass = true;
    else if (quote === "/" && character === "]") isClass = false;
    else if (character === quote && !isClass) return index + 1;
  }
  return source.length;
}

/** A `/` begins a regular expression where no value stands before it. */
function isRegexPlace(before: string): boolean {
  const text = before.trimEnd();
  return text === "" || /[(,=:[!&|?{};+\-*%<>~^]$/.test(text) || /\b(?:return|typeof|case|in|of|void)$/.test(text);
}

function endOfTemplate(source: string, from: number): { readonly end: number; readonly opens: boolean } {
  for (let index = from; index < source.length; index++) {
    if (source[index] === "\\") index++;
    else if (source[index] === "`") return { end: index + 1, opens: false };
    else if (source[index] === "$" && source[index + 1] === "{") return { end: index + 2, opens: true };
  }
  return { end: source.length, opens: false };
}

/** Quotes stay where a text was, so that it still counts as a value. */
function emptied(text: string): string {
  return text.length < 2 ? blank(text) : `"${blank(text.slice(1, -1))}"`;
}

function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, " ");
}
