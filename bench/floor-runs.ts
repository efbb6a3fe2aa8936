/** Child: the same rows by a bare loop. */
import { answer, asked } from "./child.ts";
import { postgresFloor } from "./postgres-floor.ts";
import { sqliteFloor, type FloorOptions } from "./sqlite-floor.ts";

const { store, ...options } = asked<FloorOptions & { store: string }>();
answer(await (store.includes("://") ? postgresFloor(store, options) : sqliteFloor(options)));
