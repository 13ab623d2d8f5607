import { existsSync, mkdirSync, statfsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { AppError } from "../base/errors.ts"
import { createHttpClient } from "../base/http.ts"
import type { Log } from "../base/log.ts"
import { systemClock, type Clock } from "../base/time.ts"
import { announcer } from "./announce.ts"
import { openJournal } from "./journal/open-journal.ts"
import { keptMsDefault, pruneRegularly } from "./journal/prune.ts"
import { walkChains, type Walk } from "./journal/verify.ts"
import { edgeServer } from "./server.ts"
import { openSnapshot, type SnapshotSettings, type StoreSnapshot } from "./snapshot/open-snapshot.ts"
import { statusOf, type EdgeStatus } from "./status.ts"
import { Taking } from "./taking.ts"
import { Uplink } from "./uplink.ts"

export type { EdgeStatus, Walk }

/** What an agent needs to know. */
export interface EdgeSettings {
  storeId: string
  /** Where receipts go, and the key they go with: it has `sales:write` and `stores:read`. */
  centreUrl: string
  key: string
  dataFolder: string
  port: number
  /** Stamps the day of receipts whose till does not. */
  timeZone: string
  dayEndsAt?: string
  /** Free bytes below which receipts are refused. */
  reserveBytes: number
  /** How long entries that the centre has are kept. Default 35 days: receipts may come so late, and backups of centres are newer. */
  keepMs?: number
  /** How prices, stock and pickups are followed. */
  snapshot?: SnapshotSettings
}

/** A running agent. */
export interface EdgeAgent {
  url: string
  status(): EdgeStatus
  /** Sends at once what waits. Throws what the centre, or the line to it, says. */
  sync(): Promise<void>
  /** Reads at once what changed at the centre. Throws what the centre, or the line to it, says. */
  follow(): Promise<void>
  stop(): Promise<void>
}

interface Surroundings {
  clock?: Clock
  log?: Pick<Log, "warn" | "info">
  freeBytes?: () => number
  /** Of the wait after a failed call. */
  firstWaitMs?: number
}

/** The journal's file in an agent's folder. */
const journalFile = "journal.db"

/** Walks the journal of a folder whose agent does not run. Writes nothing. */
export function walkFolder(folder: string): Walk {
  const file = join(folder, journalFile)
  if (!existsSync(file)) throw new AppError("NOT_FOUND", `there is no journal in ${folder}`)
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    return walkChains(database)
  } finally {
    database.close()
  }
}

/** Starts the agent of a store: it takes receipts at once, whether or not the centre can be reached, and answers tills from its snapshot. */
export async function startEdge(settings: EdgeSettings, surroundings: Surroundings = {}): Promise<EdgeAgent> {
  const {
    storeId,
    centreUrl,
    key,
    dataFolder,
    port,
    timeZone,
    dayEndsAt,
    reserveBytes,
    keepMs = keptMsDefault,
  } = settings
  const { clock = systemClock, log, firstWaitMs } = surroundings
  mkdirSync(dataFolder, { recursive: true })
  const freeBytes = surroundings.freeBytes ?? (() => freeOf(dataFolder))
  const isFull = () => freeBytes() < reserveBytes
  const place = { timeZone, ...(dayEndsAt === undefined ? {} : { dayEndsAt }) }
  const file = join(dataFolder, journalFile)
  const journal = openJournal({ file, storeId, place, clock, freeBytes, reserveBytes })
  for (const { what } of journal.incidents({ isTold: false })) log?.warn({ storeId }, what)
  const client = createHttpClient({ baseUrl: centreUrl, timeoutMs: 30_000, socketsMax: 3, allowPrivateNetwork: true })
  const snapshot: StoreSnapshot = openSnapshot(settings, {
    journal,
    clock,
    send: (...call) => uplink.send(...call),
    hasRoom: () => !isFull(),
    ...(log ? { log } : {}),
    ...(firstWaitMs === undefined ? {} : { firstWaitMs }),
  })
  const uplink = new Uplink({
    journal,
    client,
    key,
    clock,
    announce: announcer({ journal, storeId }),
    onAnswered: (rows, corrected) => snapshot.answered(rows, corrected),
    ...(firstWaitMs === undefined ? {} : { firstWaitMs }),
  })
  const taking = new Taking(journal, { storeId, place }, (counted) => {
    snapshot.sold(counted)
    uplink.wake()
  })
  const status = () =>
    statusOf({ journal, storeId, line: uplink.line, freeBytes: freeBytes(), reserveBytes, snapshot: snapshot.status() })
  const verify = () => walkChains(journal.file.database)
  const app = edgeServer({ taking, health: status, verify, answers: snapshot.answers })
  const pruning = pruneRegularly(journal, { keepMs, clock, heardMs: () => uplink.heardMs, isFull, log })
  const stop = async () => {
    await app.close()
    await Promise.all([uplink.stop(), snapshot.stop(), pruning.stop()])
    client.close()
    snapshot.close()
    journal.close()
  }
  try {
    // Tills are on this machine, or behind a proxy of the store that knows them.
    const url = await app.listen({ host: "127.0.0.1", port })
    writeFileSync(join(dataFolder, "agent.url"), url)
    uplink.start()
    snapshot.start()
    pruning.start()
    return { url, status, sync: () => uplink.pass(), follow: () => snapshot.pass(), stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

function freeOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}
