/** The workflow: what happens to one lead, from the form to the letter in its owner's and its sender's hands. */
import { eq, match, when, workflow } from "tenfold";
import { Lead } from "./leads.ts";
import { leadIntakeSteps } from "./steps.ts";
import type { Systems } from "./steps.ts";

export type LeadIntake = ReturnType<typeof leadIntakeFor>;

/** Lead intake against these systems; `flow` is called once, here, and draws the graph. */
export function leadIntakeFor(systems: Systems) {
  const steps = leadIntakeSteps(systems);
  const { enrich, screen, score, segment, assign, comply, qualify, register } = steps;
  const { introduce, invite, confirm, enrol, nurture, handOver, discard } = steps;

  return workflow("lead-intake", {
    input: Lead,
    key: (lead) => lead.email, // the same lead twice is one run
    attributes: (lead) => ({ country: lead.country, customer_type: lead.customer_type }),
    expect: { volume: "500/day", peak: "20/min", finish: "p95 < 2m" },
    flow(lead) {
      const company = enrich(lead); // neither uses the other:
      const screening = screen(lead); // both start at once
      const points = score({ lead, company });
      const { tier, path } = segment({ lead, company, points, screening });

      const outcome = match(path, {
        spam: () => discard({ lead, screening }),
        // Whoever buys already is not sold to: the person they know is told, and writes.
        customer: () => {
          const owner = assign({ lead, team: "customer success" });
          return { owner: owner.name, letters: [handOver({ lead, owner, company, points })] };
        },
        "key-account": () => {
          const owner = assign({ lead, team: "key accounts" });
          const note = handOver({ lead, owner, company, points });
          return { owner: owner.name, letters: [introduce({ lead, owner }), note] };
        },
        regulated: () => {
          const owner = assign({ lead, team: "key accounts" });
          const documents = comply(lead);
          return { owner: owner.name, letters: [introduce({ lead, owner, documents })] };
        },
        // A person writes to the promising ones, a newsletter to the rest.
        sales: () => {
          const owner = assign({ lead, team: "sales" });
          const letter = when(
            eq(tier, "cold"),
            () => nurture(lead),
            () => introduce({ lead, owner }),
          );
          return { owner: owner.name, letters: [letter] };
        },
        partner: () => {
          const owner = assign({ lead, team: "partners" });
          return { owner: owner.name, letters: [invite({ lead, owner })] };
        },
        channel: () => {
          const owner = assign({ lead, team: "channel" });
          const registration = register(lead);
          return { owner: owner.name, letters: [confirm({ lead, owner, registration })] };
        },
        grant: () => {
          const grant = qualify({ lead, company });
          return { owner: null, letters: [enrol({ lead, grant })] };
        },
        "self-serve": () => ({ owner: null, letters: [nurture(lead)] }),
      });

      return { tier, path, points, owner: outcome.owner, letters: outcome.letters };
    },
  });
}
