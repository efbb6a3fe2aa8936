/** Child: the same rows by a bare loop. */
import { answer, asked } from "./child.ts";
import { sqliteFloor, type FloorOptions } from "./sqlite-floor.ts";

answer(await sqliteFloor(asked<FloorOptions>()));
