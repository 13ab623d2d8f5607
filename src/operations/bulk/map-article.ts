import { AppError } from "../../base/errors.ts"
import { ChannelId, entity, Sku } from "../../canonical/parts.ts"
import type { ExceptionDesk } from "../exceptions/desk.ts"
import type { BulkAct, BulkKind, Member, Refused } from "./kinds.ts"

const Spec = entity("Map article", { channel: ChannelId, article: Sku, sku: Sku })

interface MapArticle {
  channel: string
  article: string
  sku: string
}

interface MappingParts {
  desk: ExceptionDesk
  articles: {
    /** STOCK_UNKNOWN with candidates when the stock does not know the SKU. */
    assertKnown(sku: string): Promise<void>
    set(mapping: MapArticle & BulkAct): Promise<void>
  }
  /** Which open cases the mapping answers. */
  answers(spec: MapArticle): readonly { cause: string; sku: string; channels?: readonly string[] }[]
}

/** Says what an article of a system is, and lets every order go on that waits for it. */
export function mapArticle({ desk, articles, answers }: MappingParts): BulkKind<MapArticle> {
  return {
    name: "map article",
    does: "says which SKU an article of a channel or a system is; every order that waits for it goes on",
    schema: Spec,
    async preview(spec, { channels }) {
      if (channels)
        throw new AppError("PERMISSION_MISSING", "a mapping counts for all channels; you are limited to some")
      await articles.assertKnown(spec.sku)
      const members: Member[] = []
      const refused: Refused[] = []
      for (const filter of answers(spec))
        for await (const { id, summary, atRisk, allowedActions } of desk.all({ ...filter, state: "open" }))
          if (allowedActions.includes("retry")) members.push({ id, about: summary, ...(atRisk ? { atRisk } : {}) })
          else refused.push({ id, why: `only ${allowedActions.join(", ")} may be done` })
      return { members, refused }
    },
    prepare: (spec, act) => articles.set({ ...spec, ...act }),
    async carryOut(id, _spec, { by, reason }) {
      const before = await desk.find(id)
      if (!before) return { outcome: "skipped", reason: "it is gone" }
      const { decision } = before
      if (decision && decision.action !== "retry")
        return { outcome: "skipped", reason: `${decision.by} decided it meanwhile: ${decision.action}` }
      // The workflow itself may have heard of the mapping first.
      if (!decision) await desk.decide(id, { action: "retry", by, reason })
      return { outcome: "done" }
    },
  }
}
