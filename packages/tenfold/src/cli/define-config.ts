/** What a `tenfold.config.ts` exports. */
import type { OpenOptions } from "../engine/open.ts";

/** The store, the workflows, and any other option of `open`; whether it works is up to the command. */
export type Config = Omit<OpenOptions, "work">;

/** `export default defineConfig({ store: "leads.db", workflows: [leadIntake] })`: the same, with its type. */
export function defineConfig(config: Config): Config {
  return config;
}
