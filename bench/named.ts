/** The workflows of the bench by their names. */
import type { Workflow } from "tenfold";
import { QUEUED } from "./queued-workflows.ts";
import { ALL, type Order } from "./workflows.ts";

export function named(name: string): Workflow<Order, unknown> {
  return [...ALL, ...QUEUED].find((one) => one.name === name)!;
}
