/**
 * The steps of lead intake, made for the systems they talk to: a CRM and a post. What a step decides is written in the
 * tables beside it (scoring, routing, letter texts); here stands how often it is tried, for how long, and how fast.
 */
import { limit, step } from "tenfold";
import type { Company } from "./company-facts.ts";
import { isFinalRefusal } from "./crm-client.ts";
import type { Crm } from "./crm-client.ts";
import { confirmation, enrolment, handoverNote, introduction, invitation, newsletter } from "./letter-texts.ts";
import { isFinalRejection } from "./letters.ts";
import type { LetterPost } from "./letters.ts";
import type { Lead } from "./leads.ts";
import { documentsFor, grantFor, registerDeal } from "./programmes.ts";
import type { Grant, Registration } from "./programmes.ts";
import { ownerOf, pathOf } from "./routing.ts";
import type { Owner, Path, Team } from "./routing.ts";
import { scoreLead, tierOf } from "./scoring.ts";
import type { Tier } from "./scoring.ts";
import { screenLead } from "./screening.ts";
import type { Screening } from "./screening.ts";

/** The world outside: settings decide whether it is real or runs on this machine. */
export interface Systems {
  readonly crm: Crm;
  readonly crmLimits: CrmLimits;
  readonly post: LetterPost;
}

/** How much is asked of the CRM, by all runs and workers together: a little less than it allows. */
export interface CrmLimits {
  readonly rate: string;
  readonly concurrency: number;
}

/** What a letter step takes beside the lead. */
interface Owned {
  readonly lead: Lead;
  readonly owner: Owner;
}

export function leadIntakeSteps({ crm, crmLimits, post }: Systems) {
  // The CRM counts its calls, whichever step they come from: so they are counted together here, too.
  const crmApi = limit("crm-api", crmLimits);
  const asking = {
    retry: { attempts: 5, first: "500ms", unless: isFinalRefusal },
    timeout: "10s", // the time in the line is no part of it
  };

  // Every letter is tried alike, and its Message-ID comes from ctx.key: sent twice, it is still one letter.
  const posting = {
    retry: { attempts: 4, unless: isFinalRejection },
    timeout: "25s",
  };

  return {
    /** Asks the CRM about the company; its 500s are why there are five attempts. */
    enrich: step("enrich", {
      ...asking,
      queue: {
        limit: crmApi,
        // A source is a campaign that was paid for: when one brings in ten thousand leads, those of a trade fair
        // do not stand behind all of them.
        per: { key: (lead: Lead) => lead.source, weight: () => 1 },
      },
      run(lead: Lead, ctx): Promise<Company> {
        return crm.lookup(lead.email, { idempotencyKey: ctx.key, signal: ctx.signal });
      },
    }),

    screen: step("screen", {
      run: (lead: Lead): Screening => screenLead(lead),
    }),

    /** 0 to 100 points. */
    score: step("score", {
      run: ({ lead, company }: { lead: Lead; company: Company }): number => scoreLead(lead, company),
    }),

    segment: step("segment", {
      run({ lead, company, points, screening }: SegmentInput): Segment {
        const tier = screening.spam ? "spam" : tierOf(lead.customer_type, points);
        return { tier, path: pathOf(lead.customer_type, tier, company.customer) };
      },
    }),

    assign: step("assign", {
      run: ({ lead, team }: { lead: Lead; team: Team }): Owner => ownerOf(lead, team),
    }),

    /** Which documents a customer who answers for others' data must have read. */
    comply: step("comply", {
      run: (lead: Lead): string[] => documentsFor(lead),
    }),

    qualify: step("qualify", {
      run: ({ lead, company }: { lead: Lead; company: Company }): Grant => grantFor(lead, company),
    }),

    /** Protects a reseller's deal and files it in the CRM; number and date are the same in every attempt. */
    register: step("register", {
      ...asking,
      queue: { limit: crmApi },
      async run(lead: Lead, ctx): Promise<Registration> {
        const registration = registerDeal(lead, ctx.random(), ctx.now());
        await crm.fileDeal(lead.email, registration, { idempotencyKey: ctx.key, signal: ctx.signal });
        return registration;
      },
    }),

    introduce: step("introduce", {
      ...posting,
      async run({ lead, owner, documents }: Owned & { documents?: string[] }, ctx): Promise<string> {
        return (await post.send(introduction(lead, owner, documents), ctx)).messageId;
      },
    }),

    invite: step("invite", {
      ...posting,
      async run({ lead, owner }: Owned, ctx): Promise<string> {
        return (await post.send(invitation(lead, owner), ctx)).messageId;
      },
    }),

    confirm: step("confirm", {
      ...posting,
      async run({ lead, owner, registration }: Owned & { registration: Registration }, ctx): Promise<string> {
        return (await post.send(confirmation(lead, owner, registration), ctx)).messageId;
      },
    }),

    enrol: step("enrol", {
      ...posting,
      async run({ lead, grant }: { lead: Lead; grant: Grant }, ctx): Promise<string> {
        return (await post.send(enrolment(lead, grant), ctx)).messageId;
      },
    }),

    /** A newsletter can wait, and mail servers take many alike at once for spam. */
    nurture: step("nurture", {
      ...posting,
      queue: { rate: "20/s burst 10" },
      async run(lead: Lead, ctx): Promise<string> {
        return (await post.send(newsletter(lead), ctx)).messageId;
      },
    }),

    /** Tells the owner, so that the lead is known when the telephone rings. */
    handOver: step("hand-over", {
      ...posting,
      async run({ lead, owner, company, points }: Owned & { company: Company; points: number }, ctx): Promise<string> {
        return (await post.send(handoverNote(lead, owner, company, points), ctx)).messageId;
      },
    }),

    /** Spam gets no answer; why it was held to be spam stays on record. */
    discard: step("discard", {
      run({ lead, screening }: { lead: Lead; screening: Screening }, ctx): Discarded {
        ctx.log.info("Discarded as spam", { email: lead.email, reasons: screening.reasons });
        return { owner: null, letters: [], reasons: screening.reasons };
      },
    }),
  };
}

interface SegmentInput {
  readonly lead: Lead;
  readonly company: Company;
  readonly points: number;
  readonly screening: Screening;
}

interface Discarded {
  readonly owner: null;
  readonly letters: string[];
  readonly reasons: string[];
}

interface Segment {
  readonly tier: Tier;
  readonly path: Path;
}
