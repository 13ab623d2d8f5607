import { join } from "node:path"
import type { Log } from "../../base/log.ts"
import { instant, type Clock } from "../../base/time.ts"
import type { Journal } from "../journal/journal.ts"
import type { Corrected } from "../journal/sending.ts"
import type { Read } from "../reading.ts"
import type { SnapshotStatus } from "../status.ts"
import type { UplinkSend } from "../uplink.ts"
import { Answers } from "./answers.ts"
import { CodeAttempts } from "./code-attempts.ts"
import { Follow } from "./follow.ts"
import { SnapshotFile } from "./snapshot-file.ts"
import { Sold } from "./sold.ts"

/** How a store follows what the centre has for it. */
export interface SnapshotSettings {
  /** How often it asks what changed. Default 15 s. */
  everyMs?: number
  /** From this age on answers are called stale. Default 15 minutes. */
  staleAfterMs?: number
  /** The channel and the market of the store's tills, for prices and promotions that hold there only. */
  channel?: string
  market?: string
}

const [everyMsDefault, staleAfterMsDefault] = [15_000, 15 * 60_000]

interface Surroundings {
  journal: Journal
  clock: Clock
  send: UplinkSend
  hasRoom: () => boolean
  log?: Pick<Log, "warn">
  firstWaitMs?: number
}

/** The file of a snapshot in an agent's folder. */
const snapshotFile = "snapshot.db"

/** A store's copy of its prices, stock and pickups. Nothing of it ever touches the journal. */
export interface StoreSnapshot {
  answers: Answers
  status(): SnapshotStatus
  /** Hears of receipts that were kept and count. */
  sold(rows: readonly Pick<Read, "tillId" | "digest" | "receipt" | "whole">[]): void
  /** Hears what the centre made of them. */
  answered(rows: readonly { tillId: string; digest: string; outcome: string }[], corrected: readonly Corrected[]): void
  start(): void
  pass(): Promise<void>
  stop(): Promise<void>
  close(): void
}

/** Opens the snapshot of an agent's folder; one that is damaged is thrown away and read anew. */
export function openSnapshot(
  of: { storeId: string; dataFolder: string; snapshot?: SnapshotSettings },
  { journal, clock, send, hasRoom, log, firstWaitMs = 1000 }: Surroundings,
): StoreSnapshot {
  const { storeId, dataFolder, snapshot: settings = {} } = of
  const { everyMs = everyMsDefault, staleAfterMs = staleAfterMsDefault, channel, market } = settings
  let thrownAway: string | undefined
  const onThrownAway = (why: string) => {
    thrownAway = `${instant(clock.now())} ${why}`
    log?.warn({ storeId, why }, "what the store had of the centre was thrown away; it is read anew")
  }
  const file = new SnapshotFile({ path: join(dataFolder, snapshotFile), storeId, onThrownAway })
  const sold = new Sold({ file: journal.file, clock, isCovered: (fact) => file.isCovered(fact) })
  const follow = new Follow({ storeId, file, sold, send, clock, everyMs, firstWaitMs, hasRoom })
  const attempts = new CodeAttempts({ journal, clock })
  const place = { ...(channel === undefined ? {} : { channel }), ...(market === undefined ? {} : { market }) }
  return {
    answers: new Answers({ storeId, file, sold, follow, clock, attempts, staleAfterMs, ...place }),
    status() {
      const age = follow.age()
      return {
        ...age,
        isStale: (age.ageMs ?? Infinity) > staleAfterMs,
        counts: file.count(),
        soldSince: sold.count,
        ...(thrownAway === undefined ? {} : { thrownAway }),
      }
    },
    sold(rows) {
      for (const row of rows) sold.note(row)
    },
    answered(rows, corrected) {
      for (const row of corrected) sold.corrected(row)
      for (const row of rows) sold.answered(row)
    },
    start: () => follow.start(),
    pass: () => follow.pass(),
    stop: () => follow.stop(),
    close: () => file.close(),
  }
}
