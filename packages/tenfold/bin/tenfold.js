#!/usr/bin/env node
/** Starts the command line; plain JavaScript, so that a Node too old for the sources can still say so. */
const NODE_LEAST = 24;

if (Number.parseInt(process.versions.node, 10) < NODE_LEAST) {
  process.stderr.write(
    `tenfold needs Node ${NODE_LEAST} or newer, and this is Node ${process.versions.node}; nothing was done. ` +
      `Install a newer one from https://nodejs.org, or inside of a project: npm install --save-dev node@latest\n`,
  );
  process.exitCode = 4;
} else {
  const { enableCompileCache } = await import("node:module");
  enableCompileCache();
  const { main } = await import("../src/cli/main.ts");
  // A step's open connection must not keep a command alive that has answered.
  void main(process.argv.slice(2)).then((code) => process.exit(code));
}
