/** Markdown pages: their links and headings, their fenced code, and the numbering of the decisions. */
import { posix } from "node:path";
import { place, type Page } from "./repository.ts";

export interface Fence {
  /** What stands after the three backquotes: `ts run`. */
  readonly label: string;
  readonly code: string;
  readonly at: string;
}

const FENCE = /^( *)(`{3,}|~{3,})([^\n`]*)\n([^]*?)^\1\2[^\S\n]*$/gm;

/** The fenced blocks of a page, in order. */
export function fencesOf(page: Page): readonly Fence[] {
  return [...page.text.matchAll(FENCE)].map((found) => ({
    label: found[3]!.trim(),
    code: found[4]!,
    at: place(page, found.index),
  }));
}

/** A page's prose: fenced and quoted code blanked, at the same places. */
function proseOf(page: Page): string {
  const blank = (text: string): string => text.replace(/[^\n]/g, " ");
  return page.text.replace(FENCE, blank).replace(/(?<!`)(`+)(?!`)[^]*?(?<!`)\1(?!`)/g, blank);
}

/** The anchors that GitHub gives the headings of a page. */
export function anchorsOf(page: Page): ReadonlySet<string> {
  const anchors = new Set<string>();
  const text = page.text.replace(FENCE, (fence) => fence.replace(/[^\n]/g, " "));
  for (const [, heading] of text.matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const anchor = heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  for (const [, id] of text.matchAll(/<a +(?:id|name)="([^"]+)"/g)) anchors.add(id!);
  return anchors;
}

const LINKS = [/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g, /^ *\[[^\]]+\]: +(\S+)/gm];

/** Links to files or headings of this repository that are not there; `exists` answers for files that are no pages. */
export function brokenLinks(pages: readonly Page[], exists: (path: string) => boolean): readonly string[] {
  const byPath = new Map(pages.map((page) => [page.path, page]));
  return pages.flatMap((page) => {
    const prose = proseOf(page);
    return LINKS.flatMap((pattern) => [...prose.matchAll(pattern)]).flatMap((link) => {
      const target = link[1]!;
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
      const at = place(page, link.index);
      if (target.startsWith("/")) return [`${at} links to ${target}, which is no relative path`];
      const [file = "", anchor] = target.split("#");
      const path = file === "" ? page.path : posix.join(posix.dirname(page.path), decodeURI(file));
      const linked = byPath.get(path);
      if (linked === undefined && !exists(path)) return [`${at} links to ${target}, which is not there`];
      if (anchor === undefined || (linked !== undefined && anchorsOf(linked).has(anchor))) return [];
      return [`${at} links to #${anchor}, a heading that ${path} does not have`];
    });
  });
}

const PARTS = ["Context", "Decision", "Consequences", "What would change it"];

/** Decisions that are not numbered from 0001 on without a gap, or lack a part. */
export function misnumberedDecisions(pages: readonly Page[]): readonly string[] {
  const decisions = pages.filter(({ path }) => /^docs\/decisions\/(?!README\.md$)/.test(path));
  return decisions.flatMap(({ path, text }, index) => {
    const number = index + 1;
    const isNamed = new RegExp(`/${String(number).padStart(4, "0")}-[a-z0-9-]+\\.md$`).test(path);
    return [
      ...(isNamed ? [] : [`${path} stands where decision ${number} belongs`]),
      ...(text.startsWith(`# ${number}. `) ? [] : [`${path} does not begin with "# ${number}. "`]),
      ...PARTS.filter((part) => !text.includes(`\n## ${part}\n`)).map((part) => `${path} has no part "${part}"`),
    ];
  });
}
