import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { dataFolder, setting } from "../../base/config.ts"
import { AppError, type Problem } from "../../base/errors.ts"
import { answerJson, createHttpClient } from "../../base/http.ts"
import { createLog } from "../../base/log.ts"
import { durationText, isTimeZone } from "../../base/time.ts"
import { startEdge, walkFolder, type EdgeSettings, type EdgeStatus, type Walk } from "../../edge/agent.ts"
import { say, untilToldToStop } from "../start.ts"
import { table } from "../table.ts"

const options = {
  store: { type: "string" },
  "time-zone": { type: "string" },
  "day-ends-at": { type: "string" },
  port: { type: "string", default: "4410" },
  data: { type: "string" },
  "reserve-mb": { type: "string", default: "64" },
  "keep-days": { type: "string", default: "35" },
  channel: { type: "string" },
  market: { type: "string" },
  "snapshot-seconds": { type: "string", default: "15" },
  "stale-after-minutes": { type: "string", default: "15" },
  json: { type: "boolean", default: false },
} as const

type Values = ReturnType<typeof read>["values"]
const read = (args: string[]) => parseArgs({ args, allowPositionals: true, options })

/** `crossdock edge`: the agent of a store until told to stop; `status` and `verify` look at one. */
export async function runEdge(args: string[]): Promise<number> {
  const { values, positionals } = read(args)
  const [verb] = positionals
  if (verb === "status") return showStatus(values)
  if (verb === "verify") return showWalk(values)
  if (verb !== undefined) throw new AppError("REQUEST_INVALID", `edge does not know "${verb}": say status or verify`)
  const settings = settingsOf(values)
  const agent = await startEdge(settings, { log: createLog("edge") })
  say(`store ${settings.storeId}: tills send receipts to ${agent.url}/sales, kept in ${settings.dataFolder}`)
  process.stdout.write(`${JSON.stringify({ ready: true, url: agent.url, pid: process.pid })}\n`)
  await untilToldToStop()
  await agent.stop()
  return 0
}

function settingsOf(values: Values): EdgeSettings {
  const { store: storeId = "", "time-zone": timeZone = "", "day-ends-at": dayEndsAt } = values
  const key = setting("CROSSDOCK_EDGE_KEY") ?? setting("CROSSDOCK_KEY") ?? ""
  const port = Number(values.port)
  const reserveMb = Number(values["reserve-mb"])
  const keepDays = Number(values["keep-days"])
  const everySeconds = Number(values["snapshot-seconds"])
  const staleMinutes = Number(values["stale-after-minutes"])
  const problems: Problem[] = []
  const check = (isRight: boolean, pointer: string, message: string) =>
    void (isRight || problems.push({ pointer, message }))
  check(/^[\w.:-]{1,64}$/.test(storeId), "--store", "name the store as the estate does")
  check(isTimeZone(timeZone), "--time-zone", "name the store's time zone, such as Europe/Amsterdam")
  check(dayEndsAt === undefined || /^([01]\d|2[0-3]):[0-5]\d$/.test(dayEndsAt), "--day-ends-at", "is a time HH:MM")
  check(Number.isInteger(port) && port >= 0 && port < 65_536, "--port", "is a port, or 0 for any")
  check(reserveMb >= 1 && reserveMb < 1_000_000, "--reserve-mb", "is a number of megabytes from 1")
  check(keepDays >= 7 && keepDays <= 4000, "--keep-days", "is a number of days from 7")
  check(everySeconds >= 1 && everySeconds <= 3600, "--snapshot-seconds", "is a number of seconds from 1 to 3600")
  check(staleMinutes >= 1 && staleMinutes <= 100_000, "--stale-after-minutes", "is a number of minutes from 1")
  check(key !== "", "CROSSDOCK_EDGE_KEY", "is the store's API key with the scopes sales:write and stores:read")
  if (problems.length > 0)
    throw new AppError(
      "CONFIG_INVALID",
      `the agent cannot start:\n${problems.map(({ pointer, message }) => `  ${pointer} ${message}`).join("\n")}`,
      { problems },
    )
  return {
    storeId,
    centreUrl: setting("CROSSDOCK_URL") ?? "http://127.0.0.1:4400",
    key,
    dataFolder: folderOf(values),
    port,
    timeZone,
    ...(dayEndsAt === undefined ? {} : { dayEndsAt }),
    reserveBytes: reserveMb * 1024 * 1024,
    keepMs: keepDays * 86_400_000,
    snapshot: {
      everyMs: everySeconds * 1000,
      staleAfterMs: staleMinutes * 60_000,
      ...(values.channel === undefined ? {} : { channel: values.channel }),
      ...(values.market === undefined ? {} : { market: values.market }),
    },
  }
}

const folderOf = ({ data }: Values) => data ?? join(dataFolder(), "edge")

async function ask<Answer>(values: Values, path: string): Promise<Answer | undefined> {
  const file = join(folderOf(values), "agent.url")
  if (!existsSync(file)) return undefined
  const client = createHttpClient({
    baseUrl: readFileSync(file, "utf8").trim(),
    timeoutMs: 60_000,
    allowPrivateNetwork: true,
  })
  try {
    // The agent is ours: the shape is what it sends.
    return answerJson(await client.send({ method: "GET", path, isRead: true })) as Answer
  } catch {
    return undefined
  } finally {
    client.close()
  }
}

async function showStatus(values: Values): Promise<number> {
  const status = await ask<EdgeStatus>(values, "/health")
  if (!status)
    throw new AppError("VENDOR_UNAVAILABLE", `no agent runs on ${folderOf(values)}: its tills keep what they sell`)
  process.stdout.write(`${values.json ? JSON.stringify(status) : statusText(status)}\n`)
  return status.isWell && status.incidents.length === 0 ? 0 : 4
}

async function showWalk(values: Values): Promise<number> {
  // A running agent has its journal for itself, and walks it for us.
  const walk = (await ask<Walk>(values, "/verify")) ?? walkFolder(folderOf(values))
  const { entries, pruned, breaks } = walk
  const text = [
    `${entries} entries, ${breaks.length === 0 ? "all as they were written" : `${breaks.length} breaks`}${pruned > 0 ? `; ${pruned} before them are pruned, the centre has them` : ""}`,
    ...breaks.map(({ tillId, place, what }) => (tillId === "" ? what : `till ${tillId}, entry ${place}: ${what}`)),
  ]
  process.stdout.write(`${values.json ? JSON.stringify(walk) : text.join("\n")}\n`)
  return breaks.length === 0 ? 0 : 4
}

const megabytes = (bytes: number) => `${Math.floor(bytes / 1024 / 1024)} MB`

function snapshotText({
  isThere,
  asOf,
  ageMs = 0,
  isStale,
  counts,
  soldSince,
  trouble,
  thrownAway,
}: EdgeStatus["snapshot"]): string[] {
  const of = (kind: string, words: string) => `${counts[kind] ?? 0} ${words}`
  const age = `as of ${asOf}, ${durationText(Math.max(ageMs, 1000))} ago${isStale ? ": STALE" : ""}`
  const things = [
    of("article", "articles"),
    of("promotion", "promotions"),
    of("stock", "stocked"),
    of("pickup", "pickups"),
  ].join(", ")
  return [
    `prices, stock, pickups: ${isThere ? `${age} (${things}; ${soldSince} lines sold since)` : "NOT READ YET"}${trouble === undefined ? "" : ` (${trouble})`}`,
    ...(thrownAway === undefined ? [] : [`the file of prices, stock and pickups was thrown away: ${thrownAway}`]),
  ]
}

function statusText(status: EdgeStatus): string {
  const { storeId, outstanding, refused, tills, disk, incidents, lastContactAt, trouble, clockAheadMs } = status
  const clock =
    clockAheadMs === undefined
      ? []
      : [
          `THE CLOCK of this machine is ${Math.round(Math.abs(clockAheadMs) / 60_000)} minutes ${clockAheadMs > 0 ? "ahead of" : "behind"} the centre's: correct it`,
        ]
  return [
    `store ${storeId}: ${status.isWell ? "tills can sell" : "TILLS ARE REFUSED"}`,
    `centre: ${trouble === undefined ? "reached" : `NOT REACHED (${trouble})`}, last contact ${lastContactAt ?? "never"}`,
    `receipts that the centre does not have yet: ${outstanding}`,
    ...(refused > 0 ? [`receipts that the centre cannot read: ${refused}; they are kept here`] : []),
    `disk: ${megabytes(disk.freeBytes)} free${disk.isFull ? `: FULL, make room (${megabytes(disk.reserveBytes)} are kept back)` : ""}`,
    ...clock,
    ...snapshotText(status.snapshot),
    table(
      ["till", "last number", "not sent", "numbers", "entries", "chain"],
      tills.map((till) => [
        till.tillId,
        String(till.lastSequence ?? ""),
        String(till.outstanding),
        till.from === undefined ? "" : `${till.from}-${till.to}`,
        String(till.place),
        till.hash.slice(0, 12),
      ]),
    ),
    ...incidents.map(({ at, what, isTold }) => `${at} ${what}${isTold ? " (the centre knows)" : ""}`),
  ].join("\n")
}
