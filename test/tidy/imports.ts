/**
 * Who imports whom: the rules about arrows, circles and files that nothing reaches.
 * Invariant: type imports count like all others. A file that is named by a URL (a thread, a child program) is reached
 * by whoever names it, but makes no circle: it is loaded on its own.
 */
import { posix } from "node:path";
import { place, type SourceFile } from "./repository.ts";

export interface Arrow {
  readonly from: SourceFile;
  /** What is imported, as it is written. */
  readonly specifier: string;
  /** The file of this repository that it is; undefined for other packages. */
  readonly to: string | undefined;
  /** True for an import; false for a file that is only named, and loaded on its own. */
  readonly isImport: boolean;
  /** Where it is written, as `path:line`. */
  readonly at: string;
}

/** What packages of this repository export: `tenfold/testing` is which file. */
export type PackageExports = ReadonlyMap<string, string>;

/** A file named by its first part, whose ending depends on how this runs: `./thread.${…}`. */
const NAMED_IN_PART = /\bnew\s+URL\s*\(\s*`( *)\.?\$\{/g;

const NAMED = /(?:\bfrom|\bimport(?:\s*\()?|\bnew\s+URL\s*\(|\bimport\.meta\.resolve\s*\()\s*(["'])(\s*)\1/g;

export function arrowsOf(file: SourceFile, exported: PackageExports): readonly Arrow[] {
  const arrow = (index: number, specifier: string): Arrow => {
    const to = /^\.\.?\//.test(specifier) ? posix.join(posix.dirname(file.path), specifier) : exported.get(specifier);
    const isImport = !/^(?:new|import\.meta)\b/.test(file.code.slice(index));
    return { from: file, specifier, to, isImport, at: place(file, index) };
  };
  const whole = [...file.code.matchAll(NAMED)].map((match) => {
    const start = match.index + match[0].length - 1 - match[2]!.length;
    return arrow(match.index, file.text.slice(start, start + match[2]!.length));
  });
  const inPart = [...file.code.matchAll(NAMED_IN_PART)].map((match) => {
    const start = match.index + match[0].length - 2 - match[1]!.length;
    return arrow(match.index, file.text.slice(start, start + match[1]!.length).replace(/\.?$/, ".ts"));
  });
  return [...whole, ...inPart];
}

const SOURCE = "packages/tenfold/src/";

/** The floors of the design; what is on one floor does not know its neighbours. */
const FLOORS: Readonly<Record<string, number>> = {
  value: 1,
  flow: 2,
  core: 3,
  store: 4,
  engine: 5,
  capacity: 5,
  prove: 5,
  testing: 5,
  server: 6,
  cli: 7,
};
const FLOOR_OF_INDEX = 8;

/** The simulator is a second home of the engine: it brings its own ports, and nothing else on that floor is so close. */
const NEIGHBOURS = new Set(["testing engine"]);

/** Arrows that point up or sideways, and folders that stand on no floor. */
export function brokenArrows(files: readonly SourceFile[], exported: PackageExports): readonly string[] {
  const broken: string[] = [];
  for (const file of files) {
    if (!file.path.startsWith(SOURCE)) continue;
    const own = folderOf(file.path);
    const floor = floorOf(file.path);
    if (floor === undefined) broken.push(`${file.path} stands in ${own}, which is on no floor`);
    for (const { to, at, specifier } of arrowsOf(file, exported)) {
      if (to === undefined || !/\.[jt]s$/.test(to)) continue;
      const folder = folderOf(to);
      const below = to.startsWith(SOURCE) ? floorOf(to) : undefined;
      if (below === undefined) broken.push(`${at} leaves the package's sources for ${specifier}`);
      else if (floor === undefined || below < floor || own === folder || NEIGHBOURS.has(`${own} ${folder}`)) continue;
      else broken.push(`${at} points ${below > floor ? "up" : "sideways"} from ${own} to ${folder} (${specifier})`);
    }
  }
  return broken;
}

function folderOf(at: string): string {
  return at.slice(SOURCE.length).split("/")[0]!;
}

function floorOf(at: string): number | undefined {
  return at === `${SOURCE}index.ts` ? FLOOR_OF_INDEX : FLOORS[folderOf(at)];
}

/** Every import that leads nowhere: a file that is not there. */
export function missingImports(files: readonly SourceFile[], exported: PackageExports): readonly string[] {
  const known = new Set(files.map(({ path }) => path));
  return files
    .flatMap((file) => arrowsOf(file, exported))
    .filter(({ to }) => to !== undefined && /\.[jt]s$/.test(to) && !known.has(to))
    .map(({ at, specifier }) => `${at} imports ${specifier}, which is not there`);
}

/** Circles of imports, each told once, from its first file in the alphabet. */
export function importCircles(files: readonly SourceFile[], exported: PackageExports): readonly string[] {
  const next = graphOf(files, exported, ({ isImport }) => isImport);
  const circles = new Set<string>();
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (at: string): void => {
    const before = trail.indexOf(at);
    if (before >= 0) circles.add(turnToFirst(trail.slice(before)).join(" -> "));
    if (before >= 0 || done.has(at)) return;
    trail.push(at);
    for (const to of next.get(at) ?? []) visit(to);
    trail.pop();
    done.add(at);
  };
  for (const at of [...next.keys()].sort()) visit(at);
  return [...circles].sort();
}

function turnToFirst(circle: readonly string[]): readonly string[] {
  const first = circle.indexOf(circle.toSorted()[0]!);
  const turned = [...circle.slice(first), ...circle.slice(0, first)];
  return [...turned, turned[0]!];
}

/** Source files of the package that nothing reaches from `roots`. */
export function deadFiles(
  files: readonly SourceFile[],
  exported: PackageExports,
  roots: readonly string[],
): readonly string[] {
  const next = graphOf(files, exported);
  const reached = new Set<string>();
  const open = [...roots];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (reached.has(at)) continue;
    reached.add(at);
    open.push(...(next.get(at) ?? []));
  }
  return files
    .map(({ path }) => path)
    .filter((at) => at.startsWith(SOURCE) && !reached.has(at))
    .map((at) => `${at} is reached from nothing that ships and from no program of this repository`);
}

function graphOf(
  files: readonly SourceFile[],
  exported: PackageExports,
  counts: (arrow: Arrow) => boolean = () => true,
): ReadonlyMap<string, readonly string[]> {
  const targets = (file: SourceFile): readonly string[] =>
    arrowsOf(file, exported).flatMap((arrow) => (arrow.to === undefined || !counts(arrow) ? [] : [arrow.to]));
  return new Map(files.map((file) => [file.path, targets(file)]));
}
