import { businessDate, instant, type DayPlace } from "../../base/time.ts"
import { audited, noteAudit } from "../../governance/audit.ts"
import type { EdgeAnnouncement } from "../../canonical/sales/edge-announcement.ts"
import { edgeJournalRoutes } from "../../gateway/routes/sales/edge-journals.ts"
import { salesRebuildRoute, type SalesRebuildDesk } from "../../gateway/routes/sales/rebuild.ts"
import { saleRoutes, type SalesDesk } from "../../gateway/routes/sales/sales.ts"
import { storeDayRoutes, type StoreDayDesk } from "../../gateway/routes/sales/store-days.ts"
import { storeSnapshotRoutes } from "../../gateway/routes/sales/store-snapshots.ts"
import { receiptsKeptForDays } from "../../canonical/sales/receipt-law.ts"
import { approveCount, requestClosing, settleDay } from "../../sales/close-day.ts"
import { takeAnnouncement } from "../../sales/edge-journals.ts"
import { firstDayProblems, salesDefaults, SalesPolicyBlock, type SalesPolicies } from "../../sales/policies.ts"
import { readPoslog } from "../../sales/poslog/read-transaction.ts"
import { listFiles } from "../../sales/files/list-files.ts"
import { folderProblems } from "../../sales/files/policy.ts"
import { rebuildSales, type OnMended } from "../../sales/rebuild.ts"
import { Receipts } from "../../sales/record.ts"
import type { Selling } from "../../sales/selling.ts"
import { forgetSilentStores } from "../../sales/snapshot/page.ts"
import { withTakings } from "../../sales/takings/view.ts"
import { forgetOldReceipts, keepDays } from "../../sales/upkeep.ts"
import { toldReceipts } from "../../sales/told-receipts.ts"
import { findReceipts, listDays, outstandingReceipts, viewDay } from "../../sales/views.ts"
import { closeStoreDay } from "../../workflows/close-store-day/close-store-day.ts"
import type { StoreDayPolicies } from "../../workflows/close-store-day/policies.ts"
import { defineArea, type AreaParts } from "../define-area.ts"
import { watchFolders } from "./folders.ts"
import { snapshotDesk } from "./snapshots.ts"

/** Whoever asks for a rebuild is told how far it is after so long. */
const partOfRebuildMs = 5000

/** The closings stay. */
const keptForMs = receiptsKeptForDays * 86_400_000

const policiesOf = (block: unknown): SalesPolicies => ({ ...salesDefaults, ...(block as SalesPolicyBlock | undefined) })

/** What the parts of sales work with in an estate. */
export function sellingOf({ sql, clock, eventLog, estate, policyOf }: Parts): Selling {
  const stores = new Map<string, DayPlace>(
    estate.locations.filter(({ kind }) => kind === "store").map((place) => [place.id, place]),
  )
  return { sql, clock, eventLog, stores, policies: policiesOf(policyOf("sales")) }
}

type Parts = Pick<AreaParts, "sql" | "clock" | "eventLog" | "estate" | "policyOf" | "log">

function receiptsOf({ log }: Pick<Parts, "log">, selling: Selling): Receipts {
  return new Receipts(selling, (day) => {
    // The upkeep does it when this fails.
    settleDay(selling, day).catch((thrown: unknown) => log.warn({ ...day, err: thrown }, "a store day was not settled"))
  })
}

function salesDesk(parts: Parts): SalesDesk {
  const selling = sellingOf(parts)
  const receipts = receiptsOf(parts, selling)
  return {
    record: (rows, sender) => receipts.record(rows, sender),
    async recordPoslog(bytes, { charset, ...sender }) {
      const { stores, policies } = selling
      const read = await readPoslog(bytes, { stores, policy: policies.poslog, charset, transactionsMax: 1000 })
      return receipts.recordRead(read, sender)
    },
    outstanding: (of) => outstandingReceipts(selling, of),
    find: async (of) => withTakings(selling, await findReceipts(selling, of)),
    files: (of) => listFiles(selling, of),
  }
}

function storeDayDesk(parts: Parts): StoreDayDesk {
  const selling = sellingOf(parts)
  const { stores, clock, sql } = selling
  const note = (
    action: string,
    { storeId, businessDay }: { storeId: string; businessDay: string },
    how: { by: string },
  ) => audited(sql, { by: how.by, action, subject: `${storeId} ${businessDay}`, detail: how }, async () => undefined)
  return {
    isStore: (storeId) => stores.has(storeId),
    today: (storeId) => businessDate(instant(clock.now()), stores.get(storeId) ?? { timeZone: "UTC" }),
    list: (of) => listDays(selling, of),
    view: (day, how) => viewDay(selling, day, how),
    async close(day, how) {
      await requestClosing(selling, day, how)
      await note("close store day", day, how)
    },
    async approve(day, how) {
      await approveCount(selling, day, how)
      await note("approve count", day, how)
    },
  }
}

function rebuildDesk(parts: Parts): SalesRebuildDesk {
  const selling = sellingOf(parts)
  return {
    isStore: (storeId) => selling.stores.has(storeId),
    async rebuild({ by, ...of }) {
      const change = { by, action: "rebuild sales", subject: of.storeId }
      // Who began it; what it mends is noted with each piece.
      if (!of.isDryRun && of.cursor === undefined) await audited(selling.sql, change, async () => undefined)
      const onMended: OnMended = (tx, detail) => noteAudit(tx, { ...change, detail })
      return rebuildSales(selling, { ...of, forMs: partOfRebuildMs, onMended })
    },
  }
}

/** What tills sell, and the days of their stores. */
export const sales = defineArea({
  name: "sales",
  policies: {
    schema: SalesPolicyBlock,
    whenLeftOut: "defaults",
    problems({ folders = [], firstDays = {} }: SalesPolicyBlock, { locations }) {
      const stores = new Set(locations.filter(({ kind }) => kind === "store").map(({ id }) => id))
      return [...folderProblems(folders, stores), ...firstDayProblems(firstDays, stores)]
    },
  },
  workflows: [closeStoreDay],
  finalStates: { storeDay: ["posted", "corrected"] },
  policiesFor(block: SalesPolicyBlock | undefined, { estate }): StoreDayPolicies {
    const places = new Map(estate.locations.map((location) => [location.id, location]))
    const { onClosedPeriod } = policiesOf(block)
    return {
      onClosedPeriod,
      businessDay: (at, locationId = "") => businessDate(at, places.get(locationId) ?? { timeZone: "UTC" }),
    }
  },
  routes: (parts) => {
    const selling = sellingOf(parts)
    const edge = {
      isStore: (storeId: string) => selling.stores.has(storeId),
      announce: (announced: EdgeAnnouncement) => takeAnnouncement(selling, announced),
    }
    return [
      ...saleRoutes(salesDesk(parts)),
      ...storeDayRoutes(storeDayDesk(parts)),
      salesRebuildRoute(rebuildDesk(parts)),
      ...edgeJournalRoutes(edge),
      ...storeSnapshotRoutes(snapshotDesk(parts)),
    ]
  },
  subscribers(parts) {
    const receipts = receiptsOf(parts, sellingOf(parts))
    return [toldReceipts({ receipts, eventLog: parts.eventLog })]
  },
  services(parts) {
    const selling = sellingOf(parts)
    return watchFolders(parts, selling, receiptsOf(parts, selling))
  },
  async upkeep(parts) {
    await keepDays(sellingOf(parts), (event) => parts.eventLog.append(event))
    await forgetSilentStores(parts.sql)
    await forgetOldReceipts(parts, instant(parts.clock.now() - keptForMs))
  },
})
