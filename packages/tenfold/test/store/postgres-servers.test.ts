/** A store on two servers keeps the laws, whichever of them holds a law's lanes. */
import { openServers } from "../../src/store/postgres/open-servers.ts";
import { conformance } from "./conformance.ts";
import { newSchema, newServer, postgresServer } from "./postgres-server.ts";

let other: ReturnType<typeof newServer> | undefined;

async function openTwo(lanes: number): Promise<Awaited<ReturnType<typeof openServers>>> {
  const servers = [await postgresServer(), await (other ??= newServer())];
  return openServers(
    servers.map(({ url }) => url),
    { lanes, schema: newSchema() },
  );
}

conformance("a list of two postgres servers", openTwo, { sequences: 20 });
