/** What `import … from "tenfold/cli"` gives. */
export { defineConfig, type Config } from "./define-config.ts";
export { showProgress, type ProgressOptions } from "./progress.ts";
