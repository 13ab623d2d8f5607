import { afterEach, beforeEach, expect, test } from "vitest"
import { listen, type Listener } from "../../../test/fixtures/alerts/told.ts"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { recording } from "../../../test/fixtures/volume/plans.ts"
import { createLog } from "../../base/log.ts"
import { instant } from "../../base/time.ts"
import { verifyStandardWebhook } from "../../protocols/standard-webhooks.ts"
import type { Condition } from "../../rules/alerts/condition.ts"
import { usualTimes } from "../../rules/alerts/thread.ts"
import { acknowledgeAlert, findAlert, listAlerts } from "./read.ts"
import { SendsNotices, waitAfter } from "./send.ts"
import { endSilence, listSilences, makeSilence } from "./silences.ts"
import { receiverSource } from "./sources.ts"
import { silenceSource } from "./silent-channels.ts"
import { WatchesAlerts, type AlertSource } from "./watch.ts"
import { addressProblems, wayOf, type Way } from "./ways.ts"

const secret = `whsec_${Buffer.from("a secret of the alerts of tests").toString("base64")}`
const log = createLog("test", "silent")

let database: FreshDatabase
let pager: Listener
let chat: Listener
let nowMs = 0
let wrong: Condition[] = []
const clock = { now: () => nowMs }
const minutes = (count: number) => (nowMs += count * 60_000)

beforeEach(async () => {
  database = await freshDatabase()
  ;[pager, chat] = [await listen(), await listen()]
  nowMs = Date.now()
  wrong = []
})
afterEach(async () => {
  await Promise.all([pager.close(), chat.close()])
  await database.drop()
})

const condition = (change: Partial<Condition> = {}): Condition => ({
  key: "promise:refunds closed:stripe",
  rule: "promise",
  subject: { promise: "refunds closed" },
  severity: "page",
  owner: "finance",
  title: '"refunds closed" is being missed: method stripe',
  detail: [],
  count: 12,
  counted: "of the last 50 missed",
  money: [{ amountMinor: 53_856, currency: "EUR" }],
  since: instant(nowMs),
  path: "/promises/refunds%20closed",
  ifNobodyActs: "buyers wait for their money",
  explainedBy: [],
  ...change,
})

function watcher(sources: AlertSource[] = []) {
  return new WatchesAlerts({
    sql: database.sql,
    clock,
    log,
    sources: [{ rules: ["promise", "exceptions", "outage"], read: () => Promise.resolve(wrong) }, ...sources],
    recipients: { teams: { finance: { onDuty: ["pager"], standIn: ["chat"] } }, everybody: ["chat"] },
    times: usualTimes,
    consoleUrl: "https://shop.example/console",
  })
}

const local = { allowPrivateNetwork: true } as const
const ways = (): Map<string, Way> =>
  new Map([
    ["pager", wayOf({ kind: "webhook", url: pager.url, secret, ...local }, { clock, mails: () => undefined })],
    ["chat", wayOf({ kind: "slack", url: chat.url, ...local }, { clock, mails: () => undefined })],
  ])

async function sender(over = ways()) {
  const sends = new SendsNotices({ sql: database.sql, clock, log, ways: over })
  await sends.register()
  await sends.pass()
  return sends
}

/** A thread that people were told of. */
async function opened(watch = watcher()) {
  wrong = [condition()]
  await watch.pass()
  minutes(1)
  await watch.pass()
  return watch
}

const kinds = (listener: Listener) => listener.heard.map(({ message }) => message.kind)
const threads = async () => (await listAlerts(database.sql, { limit: 50 })).items

test("X-15: an alert names what, how many, the money and who answers for it, signed as the specification says", async () => {
  await opened()
  const sends = await sender()
  expect(kinds(pager)).toEqual(["opened"])
  const [first] = pager.heard
  if (!first) throw new Error("nobody was told")
  expect(first.message.title).toContain("method stripe")
  expect(first.message.lines.join("\n")).toMatch(/12 of the last 50 missed; money: 538.56 EUR[\s\S]*Owner: finance/)
  expect(first.message.url).toBe("https://shop.example/console/promises/refunds%20closed")
  const headers = Object.fromEntries(Object.entries(first.headers).map(([name, value]) => [name, String(value)]))
  const verified = verifyStandardWebhook({ headers, bytes: Buffer.from(first.text) }, { secrets: [secret], nowMs })
  expect(verified.id).toBe(first.message.id)
  await sends.stop()
})

test("nobody answers: the stand-in is told after ten minutes; an acknowledgement stops that, and the end is told to all who know", async () => {
  const watch = await opened()
  minutes(11)
  await watch.pass()
  const sends = await sender()
  expect(kinds(pager)).toEqual(["opened"])
  expect(chat.heard).toHaveLength(1)
  const [alert] = await threads()
  await acknowledgeAlert({ sql: database.sql, clock }, alert?.id ?? "", { by: "ada", forMinutes: 60 })
  minutes(30)
  await watch.pass()
  wrong = []
  minutes(11)
  await watch.pass()
  await sends.pass()
  expect(kinds(pager)).toEqual(["opened", "resolved"])
  expect(chat.heard).toHaveLength(2)
  expect(await threads()).toMatchObject([{ state: "resolved", acknowledged: { by: "ada" } }])
  await expect(
    acknowledgeAlert({ sql: database.sql, clock }, alert?.id ?? "", { by: "bob", forMinutes: 5 }),
  ).rejects.toMatchObject({ code: "STATE_FORBIDS" })
  await sends.stop()
})

test("an outage explains its promises and groups: only the outage is told", async () => {
  const outage = condition({ key: "outage:erp", rule: "outage", subject: { connection: "erp" }, title: "erp is away" })
  const promise = condition({ explainedBy: ["outage:erp"], explains: ["exceptions:grp_1"] })
  const group = condition({ key: "exceptions:grp_1", rule: "exceptions", subject: { group: "grp_1" }, title: "stuck" })
  const watch = watcher()
  wrong = [promise, group, outage]
  await watch.pass()
  minutes(1)
  await watch.pass()
  const sends = await sender()
  expect(pager.heard.map(({ message }) => message.title)).toEqual(["erp is away"])
  const held = (await threads()).flatMap(({ rule, held: why }) => (why === undefined ? [] : [[rule, why]]))
  expect(held.toSorted()).toEqual([
    ["exceptions", 'explained by: "refunds closed" is being missed: method stripe'],
    ["promise", "explained by: erp is away"],
  ])
  // The ERP is back, and the promise is still being missed.
  wrong = [promise, group]
  minutes(1)
  await watch.pass()
  await sends.pass()
  expect(pager.heard.at(-1)?.message.title).toContain("is being missed")
  await sends.stop()
})

test("a silence holds back and counts, says so before its end, and what is still wrong then is told", async () => {
  const made = { by: "ada", reason: "the provider is being moved", matches: { promise: "refunds closed" } }
  const { id } = await makeSilence({ sql: database.sql, clock }, { ...made, endsAt: instant(nowMs + 60 * 60_000) })
  const watch = await opened()
  minutes(50)
  await watch.pass()
  const sends = await sender()
  expect(pager.heard).toEqual([])
  expect(chat.heard[0]?.text).toMatch(/A silence ends at .*It held back 1 notices/)
  expect(await listSilences({ sql: database.sql, clock }, { state: "live" })).toMatchObject([{ id, heldBack: 1 }])
  await endSilence({ sql: database.sql, clock }, id, "bob")
  await watch.pass()
  await sends.pass()
  expect(kinds(pager)).toEqual(["opened"])
  expect(await listSilences({ sql: database.sql, clock }, { state: "ended" })).toMatchObject([{ id, endedBy: "bob" }])
  const past = { ...made, endsAt: instant(nowMs - 1) }
  await expect(makeSilence({ sql: database.sql, clock }, past)).rejects.toMatchObject({ code: "REQUEST_INVALID" })
  await expect(
    makeSilence({ sql: database.sql, clock }, { ...made, matches: {}, endsAt: instant(nowMs + 1000) }),
  ).rejects.toMatchObject({ code: "REQUEST_INVALID" })
  await sends.stop()
})

test("of two workers one watches and one sends, and nobody is told twice", async () => {
  const [one, two] = [watcher(), watcher()]
  wrong = [condition()]
  expect(await Promise.all([one.pass(), two.pass()])).toContain(false)
  minutes(1)
  await Promise.all([one.pass(), two.pass()])
  const senders = await Promise.all([sender(), sender(), sender()])
  await Promise.all(senders.map((sends) => sends.pass()))
  expect(pager.heard).toHaveLength(1)
  await Promise.all(senders.map((sends) => sends.stop()))
})

test("a worker that is gone leaves its watch to another one after a minute, which goes on with the same thread", async () => {
  const dead = await opened()
  expect(await dead.pass()).toBe(true)
  const next = watcher()
  expect(await next.pass()).toBe(false)
  minutes(11)
  expect(await next.pass()).toBe(true)
  expect(await dead.pass()).toBe(false)
  expect(await threads()).toMatchObject([{ level: 1 }])
})

test("killed between sending and noting it, a notice is sent again by another worker under the same id", async () => {
  await opened()
  // The other side has it, and the process ends before it can write that down.
  const killed = new Map([["pager", dying(ways().get("pager"))]])
  const first = new SendsNotices({ sql: database.sql, clock, log, ways: killed })
  await first.register()
  void first.pass()
  await until(() => pager.heard.length === 1)
  const sends = await sender()
  expect(pager.heard).toHaveLength(1)
  minutes(2)
  await sends.pass()
  expect(pager.heard).toHaveLength(2)
  expect(new Set(pager.heard.map(({ message }) => message.id)).size).toBe(1)
  expect(new Set(pager.heard.map(({ headers }) => headers["webhook-id"])).size).toBe(1)
  await sends.stop()
})

/** A way whose process never gets to know that it was taken. */
function dying(way: Way | undefined): Way {
  return {
    send: async (message, signal) => {
      await way?.send(message, signal)
      return new Promise(() => undefined)
    },
    close: () => way?.close(),
  }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let look = 0; look < 200 && !isSo(); look += 1) await new Promise((resolve) => setTimeout(resolve, 10))
}

test("a receiver that is down is tried again with growing waits, gets all in order when it is back, and the others are told", async () => {
  pager.answers = 503
  const watch = await opened(watcher([receiverSource({ sql: database.sql, clock })]))
  const sends = await sender()
  const tries = async () =>
    (await database.sql`select attempts from alert_notices where receiver = 'pager' order by n`)[0]?.["attempts"]
  expect(await tries()).toBe(1)
  await sends.pass()
  expect(await tries()).toBe(1)
  nowMs += waitAfter(1)
  await sends.pass()
  expect(await tries()).toBe(2)
  expect([1, 2, 3, 20].map(waitAfter)).toEqual([5000, 10_000, 20_000, 600_000])
  minutes(12)
  await watch.pass()
  minutes(1)
  await watch.pass()
  await sends.pass()
  expect(chat.heard.some(({ text }) => text.includes("Alerts do not reach pager"))).toBe(true)
  wrong = []
  minutes(11)
  await watch.pass()
  pager.answers = 200
  minutes(11)
  await sends.pass()
  expect(kinds(pager)).toEqual(["opened", "resolved"])
  await sends.stop()
})

test("a receiver that hangs holds up no other one", async () => {
  await opened()
  pager.onHeard = () => new Promise(() => undefined)
  const sends = new SendsNotices({ sql: database.sql, clock, log, ways: ways(), everyMs: 20 })
  await sends.start()
  minutes(12)
  const watch = watcher()
  await watch.pass()
  await until(() => chat.heard.length > 0)
  expect(chat.heard).toHaveLength(1)
  await pager.close()
  await sends.stop()
})

test.each([
  { what: "a redirect", answers: 301, says: "", error: "it answers with status 301: redirects are not followed" },
  { what: "an address that is gone", answers: 410, says: "channel_is_archived", error: "410: channel_is_archived" },
  { what: "a refusal with status 200", answers: 200, says: "no_team", error: "it answers: no_team" },
  { what: "a refusal in JSON", answers: 200, says: '{"ok":false,"error":"no_team"}', error: "it answers: no_team" },
])("$what is no delivery: the notice waits, and the alert shows why", async ({ answers, says, error }) => {
  await opened()
  minutes(11)
  await watcher().pass()
  Object.assign(chat, { answers, says, headers: { location: pager.url } })
  const sends = await sender()
  const [notice] = await database.sql`select state, error from alert_notices where receiver = 'chat'`
  expect(notice).toMatchObject({ state: "waiting", error: expect.stringContaining(error) as unknown })
  await sends.stop()
})

test("a message that Slack never takes holds up no later ones", async () => {
  await opened()
  minutes(11)
  await watcher().pass()
  Object.assign(chat, { says: "no_text" })
  const sends = await sender()
  expect((await database.sql`select state from alert_notices where receiver = 'chat'`)[0]?.["state"]).toBe("given up")
  await sends.stop()
})

test("a clock that is set back by an hour delays no watch, no notice and no heartbeat", async () => {
  const heart = { deadMansSwitch: { receiver: "pager", every: { minutes: 5 } } }
  const options = { sql: database.sql, clock, log, times: usualTimes, consoleUrl: "https://shop.example/console" }
  const sources: AlertSource[] = [{ rules: ["promise"], read: () => Promise.resolve(wrong) }]
  const recipients = { teams: { finance: { onDuty: ["pager"] } }, everybody: [] }
  const make = () => new WatchesAlerts({ ...options, ...heart, sources, recipients })
  pager.answers = 503
  await opened(make())
  const killed = await sender()
  minutes(-60)
  const sends = new SendsNotices({ sql: database.sql, clock, log, ways: ways() })
  pager.answers = 200
  await make().pass()
  minutes(1)
  await make().pass()
  await sends.pass()
  expect(kinds(pager).toSorted()).toEqual(["heartbeat", "opened"])
  await Promise.all([killed.stop(), sends.stop()])
})

test("errors that are shown never hold the address, which is the secret of a chat's webhook", async () => {
  pager.answers = 0
  await opened()
  const sends = await sender()
  const [alert] = await threads()
  const { notices = [] } = (await findAlert(database.sql, alert?.id ?? "")) ?? {}
  expect(notices[0]?.error).toBeTruthy()
  expect(JSON.stringify(notices)).not.toContain("secret-path")
  await sends.stop()
})

test("an address inside is refused before the start, unless it is allowed", () => {
  const webhook = { kind: "webhook", url: "http://10.0.0.7/hook", secret } as const
  expect(addressProblems({ inside: webhook })).toEqual([
    { pointer: "/receivers/inside/url", message: "is a private address; set allowPrivateNetwork to call it" },
  ])
  expect(addressProblems({ inside: { ...webhook, allowPrivateNetwork: true } })).toEqual([])
})

test("what nobody can be told of is kept, says so, and is told once there is a way to people", async () => {
  const options = { sql: database.sql, clock, log, times: usualTimes, consoleUrl: "https://shop.example/console" }
  const sources: AlertSource[] = [{ rules: ["promise"], read: () => Promise.resolve([condition()]) }]
  const without = new WatchesAlerts({ ...options, sources, recipients: { teams: {}, everybody: [] } })
  await opened(without)
  expect(await threads()).toMatchObject([{ held: "the estate names no receiver for finance" }])
  await without.stop()
  await watcher(sources).pass()
  const sends = await sender()
  expect(kinds(pager)).toEqual(["opened"])
  await sends.stop()
})

test("a channel from which nothing comes any more is silent against the same hours of earlier weeks", async () => {
  const seen = silenceSource({ sql: database.sql, clock }, ["shop", "kiosk"])
  expect(await seen.read()).toEqual([])
  // Ten orders an hour in each of the last nine weeks, until two hours ago; the kiosk sells on.
  await database.sql`
    insert into objects (ref, kind, id, state, channel, value_minor, currency, opened_at, since)
    select 'order/' || c || w || '-' || n, 'order', c || w || '-' || n, 'closed', c, 100, 'EUR', at, at
    from unnest(array['shop', 'kiosk']) c, generate_series(0, 9) w, generate_series(1, 240) n
    cross join lateral (select ${instant(nowMs)}::timestamptz - w * interval '7 days' - n * interval '6 minutes' as at) t
    where c = 'kiosk' or w > 0 or n > 20`
  expect(await seen.read()).toMatchObject([
    { key: "silence:shop", count: 0, counted: "orders in the last hour", explainedBy: ["outage:shop"] },
  ])
})

test("where an hour says nothing of a channel, longer spans are read for that channel alone", async () => {
  // The shop sells ten an hour and the kiosk one; both sold nothing in the last ten hours.
  await database.sql`
    insert into objects (ref, kind, id, state, channel, value_minor, currency, opened_at, since)
    select 'order/' || c || w || '-' || n, 'order', c || w || '-' || n, 'closed', c, 100, 'EUR', at, at
    from unnest(array['shop', 'kiosk']) c, generate_series(0, 9) w, generate_series(1, 240) n
    cross join lateral (select ${instant(nowMs)}::timestamptz - w * interval '7 days' - n * interval '6 minutes' as at) t
    where (c = 'shop' or n % 10 = 0) and (w > 0 or n > 100)`
  let found: Condition[] = []
  const first = await recording(database.sql, async (sql) => {
    found = await silenceSource({ sql, clock }, ["shop", "kiosk"]).read()
  })
  expect(found.map(({ key, counted }) => [key, counted])).toEqual([
    ["silence:shop", "orders in the last hour"],
    ["silence:kiosk", "orders in the last 8 hours"],
  ])
  expect(first.map(({ text }) => text.includes("min(opened_at)"))).toEqual([true, false, false, false, false])
  expect(first.at(-1)?.parameters).toContainEqual(["kiosk"])
})

test("the dead man's switch hears that all is well, and nothing when the watch cannot look", async () => {
  const options = { sql: database.sql, clock, log, times: usualTimes, consoleUrl: "https://shop.example/console" }
  const heart = {
    deadMansSwitch: { receiver: "pager", every: { minutes: 5 } },
    recipients: { teams: {}, everybody: [] },
  }
  let isBroken = false
  const source: AlertSource = {
    rules: ["promise"],
    read: () => (isBroken ? Promise.reject(new Error("no answer")) : Promise.resolve(wrong)),
  }
  const watch = new WatchesAlerts({ ...options, ...heart, sources: [source] })
  await watch.pass()
  const sends = await sender()
  expect(kinds(pager)).toEqual(["heartbeat"])
  minutes(1)
  await watch.pass()
  await sends.pass()
  expect(pager.heard).toHaveLength(1)
  minutes(5)
  isBroken = true
  await expect(watch.pass()).rejects.toThrow("no answer")
  await sends.pass()
  expect(pager.heard).toHaveLength(1)
  isBroken = false
  await watch.pass()
  await sends.pass()
  expect(pager.heard).toHaveLength(2)
  await sends.stop()
})

test("while a source does not answer, nothing is said to be over", async () => {
  let isBroken = false
  const source: AlertSource = {
    rules: ["promise"],
    read: () => (isBroken ? Promise.reject(new Error("no answer")) : Promise.resolve([condition()])),
  }
  const watch = new WatchesAlerts({
    sql: database.sql,
    clock,
    log,
    sources: [source],
    recipients: { teams: {}, everybody: ["pager"] },
    times: usualTimes,
    consoleUrl: "https://shop.example/console",
  })
  await watch.pass()
  minutes(1)
  await watch.pass()
  isBroken = true
  minutes(30)
  await watch.pass().catch(() => undefined)
  expect(await threads()).toMatchObject([{ state: "open" }])
})
