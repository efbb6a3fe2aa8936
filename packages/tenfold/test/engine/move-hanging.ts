/** A program of its own that works `<store>` until it is killed; tells when an order hangs in its hands. */
import { open } from "../../src/index.ts";
import { ordersOf } from "./move-orders.ts";

const orders = ordersOf({ isBefore: true, hangs: () => console.log("hangs") });
const tenfold = await open({ store: process.argv[2]!, workflows: Object.values(orders) });
await tenfold.start(orders.once, { id: "o-hangs", goes: "hangs" });
