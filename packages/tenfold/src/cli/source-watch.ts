/**
 * Watches the files that a config is made of, and tells of a change once the editor has written all of it.
 * Folders are watched, not files: editors put a new file in the place of the old one.
 */
import { readFileSync, watch, type FSWatcher } from "node:fs";
import path from "node:path";

export interface SourceWatch {
  /** From now on these files count, beside the config itself. */
  follow(files: readonly string[]): void;
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
  const contents = new Map<string, string | undefined>();
  let waiting: { readonly resolve: (file: string) => void; readonly anyFile: boolean } | undefined;
  let timer: NodeJS.Timeout | undefined;
  const touched = new Set<string>();

  const settle = (): void => {
    for (const file of touched) {
      if (!contents.has(file) && waiting?.anyFile !== true) continue;
      const content = contentOf(file);
      if (content === contents.get(file)) continue;
      contents.set(file, content);
      // A file that is gone is being replaced: what comes next counts.
      if (content === undefined) continue;
      touched.clear();
      waiting?.resolve(file);
      waiting = undefined;
      return;
    }
    touched.clear();
  };

  const follow = (files: readonly string[]): void => {
    for (const file of files) {
      if (!contents.has(file)) contents.set(file, contentOf(file));
      const folder = path.dirname(file);
      if (watchers.has(folder)) continue;
      const watcher = watch(folder, (_, name) => {
        if (name === null || !SOURCE.test(name)) return;
        touched.add(path.join(folder, name));
        clearTimeout(timer);
        timer = setTimeout(settle, SETTLE_MS);
      });
      watcher.on("error", () => watchers.delete(folder));
      watchers.set(folder, watcher);
    }
  };

  follow([config]);
  return {
    follow,
    changed: (anyFile) => new Promise((resolve) => (waiting = { resolve, anyFile })),
    stop() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
