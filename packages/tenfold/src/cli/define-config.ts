/** What a `tenfold.config.ts` exports. */
import type { OpenOptions } from "../engine/open.ts";

/**
 * The store, the workflows, and any other option of `open`; whether it works is up to the command. Without a store,
 * the environment's DATABASE_URL is meant.
 */
export type Config = Omit<OpenOptions, "work" | "store"> & Partial<Pick<OpenOptions, "store">>;

/** `export default defineConfig({ store: "leads.db", workflows: [leadIntake] })`: the same, with its type. */
export function defineConfig(config: Config): Config {
  return config;
}
