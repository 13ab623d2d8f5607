import { own } from "../../base/lookup.ts"
import { instant } from "../../base/time.ts"
import { newEvent } from "../../canonical/events.ts"
import { exportPrices, exportProducts } from "../../catalogue/files/export.ts"
import { importFile } from "../../catalogue/files/import.ts"
import { heldChanges } from "../../catalogue/held.ts"
import { CataloguePolicyBlock } from "../../catalogue/policies.ts"
import { calendarOf, forgetOld } from "../../catalogue/prices.ts"
import { listPromotions } from "../../catalogue/promotions.ts"
import { catalogueReader, rebuildCatalogue } from "../../catalogue/read-model.ts"
import { lineageOf, recordsOf, viewPrices, viewProduct, viewProducts, type Views } from "../../catalogue/views.ts"
import { writePrices } from "../../catalogue/writes/price-writes.ts"
import { renameProduct, writeProducts } from "../../catalogue/writes/product-writes.ts"
import { writePromotions } from "../../catalogue/writes/promotion-writes.ts"
import { reportsJudge } from "../../catalogue/writes/reports.ts"
import { reportShown } from "../../catalogue/writes/shown.ts"
import type { Writing } from "../../catalogue/writes/writing.ts"
import { fileRoutes, type FileDesk } from "../../gateway/routes/catalogue/files.ts"
import { ownershipRoutes, type OwnershipDesk } from "../../gateway/routes/catalogue/ownership.ts"
import { priceRoutes, type PriceDesk } from "../../gateway/routes/catalogue/prices.ts"
import { productRoutes, type ProductDesk } from "../../gateway/routes/catalogue/products.ts"
import { promotionRoutes, type PromotionDesk } from "../../gateway/routes/catalogue/promotions.ts"
import { markCatalogue } from "../../publishing/catalogue/marks.ts"
import { catalogueChannels } from "../publishing/publishing.ts"
import { policyVersion } from "../../governance/ownership/check.ts"
import { ruleName } from "../../governance/ownership/own.ts"
import { compilePromotion } from "../../rules/promotions/compile.ts"
import { defineArea, type AreaParts } from "../define-area.ts"

/** As long as the log is kept by default; a claim looks back a year at most. */
const keptForMs = 400 * 86_400_000
const forgetEveryMs = 3_600_000
let forgottenMs = -Infinity

function writingOf({ sql, clock, eventLog, estate, policyOf }: AreaParts): Writing {
  const rules = estate.ownership ?? []
  return {
    sql,
    clock,
    rules,
    policy: policyVersion(rules),
    policies: (policyOf("catalogue") ?? {}) as CataloguePolicyBlock,
    append: (event) => eventLog.append(event),
  }
}

function productDesk(parts: AreaParts): ProductDesk {
  const writing = writingOf(parts)
  const views: Views = writing
  return {
    write: (rows, author) => writeProducts(writing, rows, { author }),
    rename: (renaming, author) => renameProduct(writing, renaming, { author }),
    find: (sku, place) => viewProduct(views, sku, place),
    list: (page) => viewProducts(views, page),
    lineage: (of) => lineageOf(views, { ...of, of: "product" }),
  }
}

function priceDesk(parts: AreaParts): PriceDesk {
  const writing = writingOf(parts)
  const views: Views = writing
  return {
    write: (rows, author) => writePrices(writing, rows, { author }),
    query: (questions) => viewPrices(views, questions),
    records: (sku, seesCosts) => recordsOf(views, sku, seesCosts),
    lineage: (of) => lineageOf(views, { ...of, of: "price" }),
    async calendar({ seesCosts, ...of }) {
      const edges = await calendarOf(parts.sql, of)
      return edges.filter(({ price }) => price.type !== "cost" || seesCosts)
    },
    shown: (rows, author) => reportShown(writing, rows, { author }),
  }
}

function promotionDesk(parts: AreaParts): PromotionDesk {
  const writing = writingOf(parts)
  const { sql, clock, estate } = parts
  const platformOf = (channel: string) => own(estate.connections, channel)?.connector.name
  return {
    write: (rows, author) => writePromotions(writing, rows, { author }),
    async list({ live, ...page }) {
      const { items, next } = await listPromotions(sql, { ...page, ...(live ? { liveAt: instant(clock.now()) } : {}) })
      const compiled = items.map((one) => ({
        ...one,
        carried: one.promotion.channels.map((channel) => ({
          channel,
          ...compilePromotion(one.promotion, { channel, platform: platformOf(channel) }),
        })),
      }))
      return { items: compiled, ...(next === undefined ? {} : { next }) }
    },
  }
}

function ownershipDesk(parts: AreaParts): OwnershipDesk {
  const { rules, policy } = writingOf(parts)
  return {
    rules: () => ({ version: policy, items: rules.map((rule) => ({ name: ruleName(rule), ...rule })) }),
    held: (page) => heldChanges(parts.sql, page),
    rebuild: () => rebuildCatalogue(parts.sql),
  }
}

function fileDesk(parts: AreaParts): FileDesk {
  const writing = writingOf(parts)
  const { sql } = parts
  return {
    import: (file) => importFile(writing, file),
    export: ({ kind, ...sees }) => (kind === "products" ? exportProducts(sql) : exportPrices(sql, sees)),
  }
}

/** Products, prices and promotions, each field by its owner. */
export const catalogue = defineArea({
  name: "catalogue",
  policies: { schema: CataloguePolicyBlock, whenLeftOut: "defaults" },
  routes: (parts) => [
    ...productRoutes(productDesk(parts)),
    ...priceRoutes(priceDesk(parts)),
    ...promotionRoutes(promotionDesk(parts)),
    ...ownershipRoutes(ownershipDesk(parts)),
    ...fileRoutes(fileDesk(parts)),
  ],
  subscribers: (parts) => {
    const shown = catalogueChannels(parts)
    return [catalogueReader((tx, events) => markCatalogue(tx, shown, events)), reportsJudge(writingOf(parts))]
  },
  actions: [
    {
      name: "adopt the change",
      does: "Takes the value that was held. It counts from now on, until its owner says something else.",
      effect: {
        kind: "append",
        event: ({ id }, { by, at, reason }) =>
          newEvent({
            type: "change.adopted",
            fact: `exception:${id}:adopted`,
            source: "crossdock:exceptions",
            time: at,
            data: { exceptionId: id, by, ...(reason === undefined ? {} : { reason }), at },
          }),
      },
    },
    { name: "keep the owner's value", does: "Drops the value that was held.", effect: { kind: "close" } },
    { name: "noted", does: "Closes the case; such values go on being refused.", effect: { kind: "close" } },
  ],
  async upkeep({ sql, clock }) {
    if (clock.now() - forgottenMs < forgetEveryMs) return
    forgottenMs = clock.now()
    await forgetOld(sql, instant(clock.now() - keptForMs))
  },
})
