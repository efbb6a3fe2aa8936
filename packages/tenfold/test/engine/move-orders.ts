/** Orders as they go while their store is moved: some fail, are tried again, or hang until their worker is killed. */
import { step, workflow } from "../../src/index.ts";

export interface Order {
  readonly id: string;
  /** How it goes before the move; after it, all goes well. */
  readonly goes: "well" | "fails" | "hangs";
}

export interface Weather {
  readonly isBefore: boolean;
  /** What an order that hangs tells. */
  readonly hangs?: () => void;
}

/** The same order, by how soon a charge that failed is made again. */
export function ordersOf({ isBefore, hangs }: Weather) {
  const price = step("price", { run: ({ id }: Order) => `${id}: 7` });
  const charge = step("charge", {
    async run({ goes, asked }: { goes: Order["goes"]; asked: string }) {
      if (isBefore && goes === "hangs") await new Promise(() => hangs?.());
      if (isBefore && goes === "fails") throw new Error("no card");
      return `${asked} paid`;
    },
  });
  const made = (name: string, use: typeof charge) =>
    workflow<Order>(name, {
      key: ({ id }) => id,
      attributes: ({ goes }) => ({ goes }),
      flow: (order) => use({ goes: order.goes, asked: price(order) }),
    });
  return {
    once: made("once", charge.with({ retry: { attempts: 1 } })),
    soon: made("soon", charge.with({ retry: { attempts: 2, first: "1s", jitter: "none" } })),
    later: made("later", charge.with({ retry: { attempts: 2, first: "1h", max: "1h", jitter: "none" } })),
  };
}
