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

const lockIn = (at: string): Lock => (JSON.parse(read(at)) as { packages: Lock }).packages;
const lock = lockIn("package-lock.json");
const locks = [lock, lockIn("bench/peers/package-lock.json")];

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

/** What the packages of this repository ask for themselves, with the version that the lock file has of it. */
function directIn(packages: Lock): readonly (readonly [string, string])[] {
  const own = Object.entries(packages).filter(([at]) => !/(?:^|\/)node_modules\//.test(at));
  const names = own.flatMap(([, { dependencies, devDependencies }]) =>
    Object.keys({ ...dependencies, ...devDependencies }),
  );
  return names
    .filter((name) => name !== "tenfold")
    .map((name) => [name, packages[`node_modules/${name}`]!.version!] as const);
}

test("the lock files hold the binaries of every platform", () => {
  const lacking = { "node_modules/a": { optionalDependencies: { "b-linux": "1.0.0" } } };
  assert.deepEqual(missing(lacking), ["node_modules/a needs b-linux"]);
  assert.deepEqual(locks.flatMap(missing), []);
});

test("the lock files name no registry, so that everybody installs from their own", () => {
  const addresses = locks
    .flatMap((one) => Object.values(one))
    .filter(({ resolved }) => /^https?:/.test(resolved ?? ""));
  assert.deepEqual(addresses, []);
});

test("docs/dependencies.md has a line for each dependency, with the version that is installed", () => {
  const installed = new Map(locks.flatMap((one) => directIn(one)));
  const page = read("docs/dependencies.md");
  const lines = new Map(
    [...page.matchAll(/^\| `([^`]+)` +\| ([\w.-]+) +\|/gm)].map(([, name, version]) => [name!, version!]),
  );
  assert.deepEqual(Object.fromEntries([...lines].sort()), Object.fromEntries([...installed].sort()));
  for (const name of installed.keys())
    assert.match(page, new RegExp(`\\*\\*\`${name}\`\\*\\*`), `the reason for ${name}`);
});
