/**
 * The code of a source text: comments and the insides of strings, templates and regular expressions blanked out.
 * Invariants: the answer is as long as the text and has its line breaks, so that what is found in it is found at
 * the same place of the text; quotes stay, and so does the code inside of `${…}`.
 */

/** After these words a slash begins a regular expression; after any other word it divides. */
const WORDS_BEFORE_REGEXP = /\b(?:return|typeof|case|in|of|do|else|void|delete|throw|new|yield|await|instanceof)$/;

export function codeOf(text: string): string {
  const code: string[] = [];
  /** Open braces per `${` that we are inside of: the one that closes the last goes back into its template. */
  const templates: number[] = [];
  let at = 0;

  const keep = (count: number): void => {
    code.push(text.slice(at, at + count));
    at += count;
  };
  const blank = (to: number): void => {
    code.push(text.slice(at, to).replace(/[^\n]/g, " "));
    at = to;
  };
  const template = (): void => {
    while (at < text.length) {
      const end = endOfTemplatePart(text, at);
      blank(end);
      if (text[at] === "`") return keep(1);
      templates.push(0);
      return keep(2);
    }
  };

  while (at < text.length) {
    const next = text[at]!;
    if (text.startsWith("//", at) || text.startsWith("#!", at)) blank(endOf(text, "\n", at));
    else if (text.startsWith("/*", at)) blank(Math.min(endOf(text, "*/", at + 2) + 2, text.length));
    else if (next === '"' || next === "'") {
      keep(1);
      blank(endOfQuoted(text, next, at));
      keep(1);
    } else if (next === "`") {
      keep(1);
      template();
    } else if (next === "/" && beginsRegExp(code)) {
      keep(1);
      blank(endOfRegExp(text, at));
      keep(1);
    } else {
      const depth = templates.length - 1;
      if (next === "{" && depth >= 0) templates[depth]!++;
      if (next === "}" && depth >= 0 && templates[depth]!-- === 0) {
        templates.pop();
        keep(1);
        template();
      } else keep(1);
    }
  }
  return code.join("");
}

function endOf(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from);
  return found < 0 ? text.length : found;
}

function endOfQuoted(text: string, quote: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== quote && text[at] !== "\n") at += text[at] === "\\" ? 2 : 1;
  return Math.min(at, text.length);
}

function endOfTemplatePart(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== "`" && !text.startsWith("${", at)) at += text[at] === "\\" ? 2 : 1;
  return Math.min(at, text.length);
}

function endOfRegExp(text: string, from: number): number {
  let inClass = false;
  let at = from;
  for (; at < text.length && text[at] !== "\n"; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "[") inClass = true;
    else if (text[at] === "]") inClass = false;
    else if (text[at] === "/" && !inClass) break;
  }
  return Math.min(at, text.length);
}

/** Whether a slash after this code begins a regular expression. */
function beginsRegExp(code: readonly string[]): boolean {
  let before = "";
  for (let index = code.length - 1; index >= 0 && before.length < 40; index--) before = code[index] + before;
  before = before.trimEnd();
  return before === "" || /[(,=:[!&|?{};+\-*%<>~^]$/.test(before) || WORDS_BEFORE_REGEXP.test(before);
}
