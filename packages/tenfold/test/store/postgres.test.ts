/** The Postgres store keeps the laws. */
import { openPostgres } from "../../src/store/postgres/open.ts";
import { conformance } from "./conformance.ts";
import { newSchema, postgresServer } from "./postgres-server.ts";

conformance("postgres", async (lanes) => openPostgres((await postgresServer()).url, { lanes, schema: newSchema() }), {
  sequences: 80,
});
