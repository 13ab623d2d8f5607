import { expect, test } from "vitest"
import type { ChangeList, Delivery } from "../ports/capabilities/intake.ts"
import { pagingMissesNothing, type ListingSubject } from "../ports/delivery-laws.ts"
import { changesByMoment } from "./changes-by-moment.ts"

interface Row {
  id: number
  changedMs: number
}

/** A shop with a clock of its own. Before each page that somebody reads, the row that was changed longest ago is changed again. */
function shop(options: { changedAgain: boolean }) {
  let nowMs = 1_000_000
  const rows: Row[] = []
  const sorted = () => rows.toSorted((one, other) => one.changedMs - other.changedMs || one.id - other.id)
  return {
    rows,
    nowMs: () => nowMs,
    buy: (count: number, atOnce = false) => {
      for (let n = 0; n < count; n += 1) rows.push({ id: rows.length + 1, changedMs: atOnce ? nowMs : (nowMs += 10) })
    },
    page(from: (row: Row) => boolean, { skip = 0, take }: { skip?: number; take: number }) {
      const found = sorted()
        .filter(from)
        .slice(skip, skip + take)
      const oldest = sorted().find(from)
      if (options.changedAgain && oldest && rows.length > take && changes-- > 0) oldest.changedMs = nowMs += 10
      return found
    },
  }
}
let changes = 0

const deliveryOf = ({ id }: Row): Delivery => ({
  connection: "shop",
  via: "poll",
  headers: {},
  bytes: Buffer.from(String(id)),
  receivedAt: "2026-11-20T10:00:00.000Z",
})

function subjectOf(one: ReturnType<typeof shop>, list: ChangeList): ListingSubject {
  return {
    name: "shop",
    list,
    change: (count) => Promise.resolve(one.buy(count)),
    expected: () => one.rows.map(({ id }) => String(id)),
    nameOf: ({ bytes }) => Buffer.from(bytes).toString(),
    nowMs: one.nowMs,
  }
}

/** Counts rows from the front of the window: what most shops' documentation shows. */
function byOffset(one: ReturnType<typeof shop>): ChangeList {
  return {
    overlapMs: 100,
    async listChanges({ cursor, sinceMs }) {
      const place =
        cursor === undefined ? { sinceMs, skip: 0 } : (JSON.parse(cursor) as { sinceMs: number; skip: number })
      const rows = one.page(({ changedMs }) => changedMs >= place.sinceMs, { skip: place.skip, take: 5 })
      const next = { ...place, skip: place.skip + rows.length }
      return { deliveries: rows.map(deliveryOf), nextCursor: JSON.stringify(next), hasMore: rows.length === 5 }
    },
  }
}

function byMoment(one: ReturnType<typeof shop>): ChangeList {
  return changesByMoment<Row>({
    overlapMs: 100,
    pageSize: 5,
    takeMax: 40,
    read: ({ fromMs, take }) => Promise.resolve(one.page(({ changedMs }) => changedMs >= fromMs, { take })),
    momentMsOf: ({ changedMs }) => changedMs,
    deliveryOf: (row) => Promise.resolve(deliveryOf(row)),
  })
}

test("pages by offset break the law of paging as soon as rows move, and keep it while none does", async () => {
  const still = shop({ changedAgain: false })
  await pagingMissesNothing(subjectOf(still, byOffset(still)))
  changes = 10
  const moving = shop({ changedAgain: true })
  await expect(pagingMissesNothing(subjectOf(moving, byOffset(moving)))).rejects.toThrow(/were never listed/)
})

test("pages by moment keep it although rows move", async () => {
  changes = 10
  const moving = shop({ changedAgain: true })
  expect(await pagingMissesNothing(subjectOf(moving, byMoment(moving)))).toBeGreaterThan(3)
})

test("rows of one moment that fill a page are read with a larger page; more than the vendor gives at once is said", async () => {
  const one = shop({ changedAgain: false })
  one.buy(17, true)
  const seen = new Set<string>()
  const call = { signal: AbortSignal.timeout(1000), correlation: "test" }
  const list = byMoment(one)
  let cursor: string | undefined
  for (let hasMore = true; hasMore;) {
    const page = await list.listChanges({ cursor, sinceMs: 0 }, call)
    for (const { bytes } of page.deliveries) seen.add(Buffer.from(bytes).toString())
    ;({ nextCursor: cursor, hasMore } = page)
  }
  expect(seen.size).toBe(17)
  one.buy(40, true)
  const place = { cursor: JSON.stringify({ fromMs: one.nowMs(), take: 40 }), sinceMs: 0 }
  await expect(list.listChanges(place, call)).rejects.toMatchObject({ code: "VENDOR_MISBEHAVED" })
})
