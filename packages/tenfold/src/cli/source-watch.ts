/**
 * Watches the files that a config is made of, and tells of a change once the editor has written all of it.
 * Folders are watched, not files: editors put a new file in the place of the old one.
 */
import { readFileSync, watch, type FSWatcher } from "node:fs";
import path from "node:path";
import { contentHash } from "../value/hash.ts";

/** Files by path, each with the hash of what was loaded of it; of one that is not there, undefined. */
export type Sources = ReadonlyMap<string, string | undefined>;

export interface SourceWatch {
  /** From now on these files count, beside the config itself; one that has changed since it was loaded is a change. */
  follow(sources: Sources): void;
  /**
   * Resolves with the file at the next change of its content. `anyFile`: also of one in the same folders that does not
   * count otherwise; it may be the one that was missing.
   */
  changed(anyFile: boolean): Promise<string>;
  stop(): void;
}

/** Editors and formatters write several times in a row. */
const SETTLE_MS = 100;
const SOURCE = /\.(?:[cm]?[jt]s|json)$/;

export function watchSources(config: string): SourceWatch {
  const watchers = new Map<string, FSWatcher>();
  const known = new Map<string, string | undefined>();
  let waiting: { readonly resolve: (file: string) => void; readonly anyFile: boolean } | undefined;
  let timer: NodeJS.Timeout | undefined;
  const touched = new Set<string>();

  const settle = (): void => {
    for (const file of touched) {
      if (!known.has(file) && waiting?.anyFile !== true) continue;
      const content = hashOfFile(file);
      if (content === known.get(file)) continue;
      known.set(file, content);
      // A file that is gone is being replaced: what comes next counts.
      if (content === undefined) continue;
      touched.clear();
      waiting?.resolve(file);
      waiting = undefined;
      return;
    }
    touched.clear();
  };

  const touch = (file: string): void => {
    touched.add(file);
    clearTimeout(timer);
    timer = setTimeout(settle, SETTLE_MS);
  };

  const follow = (sources: Sources): void => {
    for (const [file, loaded] of sources) {
      known.set(file, loaded);
      const folder = path.dirname(file);
      if (!watchers.has(folder)) {
        const watcher = watch(folder, (_, name) => {
          if (name !== null && SOURCE.test(name)) touch(path.join(folder, name));
        });
        watcher.on("error", () => watchers.delete(folder));
        watchers.set(folder, watcher);
      }
      // It was loaded a while ago, maybe before its folder was watched.
      if (hashOfFile(file) !== loaded) touch(file);
    }
  };

  follow(new Map([[config, hashOfFile(config)]]));
  return {
    follow,
    changed: (anyFile) => new Promise((resolve) => (waiting = { resolve, anyFile })),
    stop() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

/** The hash of what is in a file now; undefined if it cannot be read. */
export function hashOfFile(file: string): string | undefined {
  try {
    return contentHash(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
