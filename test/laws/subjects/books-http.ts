import { startStoreBooks, storeBooksToken } from "../../../lab/store-books/store-books.ts"
import { createLog } from "../../../src/base/log.ts"
import { systemClock } from "../../../src/base/time.ts"
import type { StoreEntry } from "../../../src/canonical/sales/store-entry.ts"
import { booksHttp } from "../../../src/connectors/books-http/connector.ts"
import { intentOf, type LawSubject } from "../../../src/ports/law-subject.ts"
import type { LawBench } from "../benches.ts"
import { striker } from "../strike.ts"

const log = createLog("laws", "silent")
const deadUrl = "http://127.0.0.1:9"
let count = 0

function connectBooks(baseUrl: string) {
  return booksHttp.connect(
    { baseUrl, token: storeBooksToken, allowPrivateNetwork: true, timeoutMs: 5_000 },
    { connectionId: "books", clock: systemClock, log },
  )
}

function sampleEntry(): StoreEntry {
  count += 1
  return {
    entryId: `law_sd_${count}`,
    storeId: "117",
    businessDay: "2026-11-20",
    currency: "EUR",
    text: "store 117, 2026-11-20",
    lines: [
      { account: "drawer", tender: "cash", amountMinor: 1190 },
      { account: "revenue", taxCode: "DE-19", amountMinor: -1000 },
      { account: "tax payable", taxCode: "DE-19", amountMinor: -190 },
    ],
    receipts: { count: 1, digest: "9b74c9897bac770ffc029102a200c5de" },
    closedAt: "2026-11-20T22:00:00.000Z",
  }
}

export async function startBench(): Promise<LawBench> {
  const simulator = await startStoreBooks({ seed: 7, closedBefore: "2026-11-01" })
  const connected = connectBooks(simulator.url)
  const dead = connectBooks(deadUrl)
  const make = ({ postsStoreDays }: ReturnType<typeof connectBooks>, more: Partial<StoreEntry> = {}) => {
    const entry = { ...sampleEntry(), ...more }
    return intentOf(postsStoreDays.postStoreDay, {
      input: { entry },
      key: entry.entryId,
      // The simulator's books hold exactly these rows (lab/store-books/store-books.ts).
      count: () =>
        (simulator.books()["entries"] as { entryId: string }[]).filter(({ entryId }) => entryId === entry.entryId)
          .length,
    })
  }
  const subject: LawSubject = {
    name: "books-http postsStoreDays.postStoreDay",
    make: async () => make(connected),
    refused: async () => make(connected, { postingDate: "2026-10-31" }),
    unreachable: async () => make(dead),
    strike: striker(simulator, ["post store entry"]),
  }
  return {
    subjects: [subject],
    stop: async () => {
      connected.close()
      dead.close()
      await simulator.stop()
    },
  }
}
