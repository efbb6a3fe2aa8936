/** A program of its own that works `<store>` until it is killed; tells when it has begun. */
import { open } from "../../src/index.ts";
import { month } from "./months.ts";

await open({ store: process.argv[2]!, workflows: [month] });
console.log("works");
