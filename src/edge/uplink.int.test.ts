import { createServer, type IncomingMessage, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { saleReceipt } from "../../test/fixtures/sales/receipts.ts"
import { createHttpClient, type HttpClient } from "../base/http.ts"
import { systemClock } from "../base/time.ts"
import type { Journal } from "./journal/journal.ts"
import { openJournal } from "./journal/open-journal.ts"
import { readRow } from "./reading.ts"
import { Uplink } from "./uplink.ts"

// How receipts go to the centre: several tills at once, and each till's in its order.

const storeId = "117"
const place = { timeZone: "Europe/Amsterdam" }
const tills = ["1", "2", "3", "4"]
const each = 1200

interface Heard {
  tillId: string
  sequences: number[]
}

let folder = ""
let journal: Journal
let server: Server
let client: HttpClient
let uplink: Uplink
/** What the centre took. */
let heard: Heard[]
/** Tills whose rows are at the centre. */
let underWay: string[]
let mostAtOnce = 0
/** Tills that were sent while they were. */
let twice: string[]
let answer: (heard: Heard) => number

beforeEach(async () => {
  ;[heard, underWay, twice, mostAtOnce, answer] = [[], [], [], 0, () => 200]
  folder = mkdtempSync(join(tmpdir(), "crossdock-uplink-"))
  journal = openJournal({ file: join(folder, "journal.db"), storeId, place, clock: systemClock })
  for (const tillId of tills)
    journal.keep(
      Array.from({ length: each }, (_, n) =>
        readRow(saleReceipt({ storeId, tillId, sequence: n + 1 }), { storeId, place }),
      ),
    )
  server = createServer((request, response) => {
    void take(request).then(([status, body]) => {
      response.writeHead(status, { "content-type": "application/json" })
      response.end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  // A server that listens on a port has such an address.
  const { port } = server.address() as AddressInfo
  client = createHttpClient({
    baseUrl: `http://127.0.0.1:${port}`,
    timeoutMs: 30_000,
    socketsMax: 3,
    allowPrivateNetwork: true,
  })
  uplink = new Uplink({ journal, client, key: "key", clock: systemClock, announce: async () => {} })
})
afterEach(async () => {
  await uplink.stop()
  client.close()
  journal.close()
  await new Promise((resolve) => server.close(resolve))
  rmSync(folder, { recursive: true, force: true })
})

async function take(request: IncomingMessage): Promise<[number, object]> {
  let text = ""
  for await (const piece of request) text += String(piece)
  const { receipts } = JSON.parse(text) as { receipts: { tillId: string; sequence: number }[] }
  const tillId = receipts[0]?.tillId ?? ""
  if (underWay.includes(tillId)) twice.push(tillId)
  underWay.push(tillId)
  mostAtOnce = Math.max(mostAtOnce, underWay.length)
  // Long enough for whatever is sent beside it.
  await new Promise((resolve) => setTimeout(resolve, 20))
  underWay = underWay.filter((one) => one !== tillId)
  const one = { tillId, sequences: receipts.map(({ sequence }) => sequence) }
  const status = answer(one)
  if (status !== 200) return [status, {}]
  heard.push(one)
  return [200, { results: receipts.map(() => ({ outcome: "accepted" })) }]
}

const sequencesOf = (tillId: string) => heard.flatMap((one) => (one.tillId === tillId ? one.sequences : []))
const all = Array.from({ length: each }, (_, n) => n + 1)
const waiting = () =>
  journal.file.all("select count(*) as n from kept_rows where outcome is null").map(({ n }) => Number(n))

test("two tills are sent at once, each in its order and never twice", async () => {
  await uplink.pass()
  for (const tillId of tills) expect(sequencesOf(tillId)).toEqual(all)
  expect(mostAtOnce).toBe(2)
  expect([waiting(), twice]).toEqual([[0], []])
})

test("after a failure nothing more is begun and nothing is under way, and the next pass goes on where each till was", async () => {
  answer = ({ tillId, sequences }) => (tillId === "2" && sequences.includes(501) ? 503 : 200)
  await expect(uplink.pass()).rejects.toMatchObject({ code: "VENDOR_UNAVAILABLE" })
  expect(underWay).toEqual([])
  const taken = heard.length
  expect(sequencesOf("2")).toEqual(all.slice(0, 500))
  expect(sequencesOf("4")).toEqual([])
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(heard.length).toBe(taken)
  answer = () => 200
  await uplink.pass()
  for (const tillId of tills) expect(sequencesOf(tillId)).toEqual(all)
  expect([waiting(), twice]).toEqual([[0], []])
})
