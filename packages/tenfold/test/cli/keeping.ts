/** A program of its own that has a Postgres kept in `<folder>`, tells its URL and whether it is its own, and stays. */
import { startServer } from "../../src/cli/postgres-server.ts";

const server = await startServer(process.argv[2]!);
console.log(JSON.stringify({ url: server.url, isOurs: server.isOurs }));
setInterval(() => undefined, 60_000);
