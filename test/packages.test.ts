/** What `npm ci` installs: that it can on every machine, and that each dependency's reason is written down. */
import assert from "node:assert/strict";
import test from "node:test";
import { read } from "./tidy/repository.ts";

interface Installed {
  readonly version?: string;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

type Lock = Readonly<Record<string, Installed>>;

const lock = (JSON.parse(read("package-lock.json")) as { packages: Lock }).packages;

/** Optional packages (the binaries of other platforms) without which npm refuses the whole lock file. */
function missing(packages: Lock): readonly string[] {
  return Object.entries(packages).flatMap(([at, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter(
        (name) =>
          packages[`node_modules/${name}`] === undefined && packages[`${at}/node_modules/${name}`] === undefined,
      )
      .map((name) => `${at} needs ${name}`),
  );
}

test("the lock file holds the binaries of every platform", () => {
  const lacking = { "node_modules/a": { optionalDependencies: { "b-linux": "1.0.0" } } };
  assert.deepEqual(missing(lacking), ["node_modules/a needs b-linux"]);
  assert.deepEqual(missing(lock), []);
});

test("the lock file names no registry, so that everybody installs from their own", () => {
  const addresses = Object.values(lock).filter(({ resolved }) => /^https?:/.test(resolved ?? ""));
  assert.deepEqual(addresses, []);
});

test("docs/dependencies.md has a line for each dependency, with the version that is installed", () => {
  const own = Object.entries(lock).filter(([at]) => !/(?:^|\/)node_modules\//.test(at));
  const names = own.flatMap(([, { dependencies, devDependencies }]) =>
    Object.keys({ ...dependencies, ...devDependencies }),
  );
  const page = read("docs/dependencies.md");
  const lines = new Map(
    [...page.matchAll(/^\| `([^`]+)` +\| ([\w.-]+) +\|/gm)].map(([, name, version]) => [name!, version!]),
  );
  const installed = new Map(
    names.filter((name) => name !== "tenfold").map((name) => [name, lock[`node_modules/${name}`]!.version]),
  );
  assert.deepEqual(Object.fromEntries([...lines].sort()), Object.fromEntries([...installed].sort()));
  for (const name of installed.keys())
    assert.match(page, new RegExp(`\\*\\*\`${name}\`\\*\\*`), `the reason for ${name}`);
});
