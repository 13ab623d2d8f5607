import { afterAll, beforeAll, expect, test } from "vitest"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"

// S-180: leaders are told of a week in words, on a page and by mail.

let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 84,
    estate: (estate) => ({
      ...estate,
      policies: {
        ...estate.policies,
        figures: {
          targets: { "order fallout rate": 0.02 },
          weeklyReport: { connection: "mail", to: ["ada@lab-shop.example"], hour: 0 },
        },
      },
    }),
  })
}, 60_000)
afterAll(() => t?.stop())

const count = (name: string, daysAgo: number, value: number) =>
  t.sql`
    insert into figures (name, hour, channel, place, label, process, value)
    values (${name}, date_trunc('week', now() at time zone 'Europe/Amsterdam') at time zone 'Europe/Amsterdam' - ${daysAgo} * interval '1 day', 'shop', '', '', 'log', ${value})`

test("S-180 the week that is over is beside the week before it, against the target, and says what is not known", async () => {
  for (const [daysAgo, placed, fallen] of [
    [3, 200, 10],
    [10, 100, 9],
  ] as const) {
    await count("orders placed", daysAgo, placed)
    await count("orders fallen out", daysAgo, fallen)
  }
  const { status, body } = await t.api("GET", "/v1/reports/weekly")
  expect(status).toBe(200)
  const { sections, isOver } = body as unknown as { isOver: boolean; sections: { lines: { figure: string }[] }[] }
  const line = (name: string) => sections.flatMap(({ lines }) => lines).find(({ figure }) => figure === name)
  expect(isOver).toBe(true)
  expect(line("orders placed")).toMatchObject({ now: "200", weekBefore: "100", verdict: "better" })
  expect(line("order fallout rate")).toMatchObject({
    now: "5.0 %",
    weekBefore: "9.0 %",
    target: "2.0 %",
    verdict: "target missed",
  })
  expect(line("return cycle time")).toMatchObject({ now: "not enough data", verdict: "not enough data" })
  const refused = await t.api("GET", "/v1/reports/weekly?week=2026-11-24")
  expect(refused.status).toBe(422)
})

test("S-180 it is mailed once to each receiver", async () => {
  const mails = () => {
    const { messages } = t.lab.mail.books() as { messages: { recipients: string[] }[] }
    return messages.filter(({ recipients }) => recipients.includes("ada@lab-shop.example"))
  }
  await eventually("the mail is there", () => mails().length > 0, { withinMs: 20_000 })
  await t.restart()
  const rows = await t.sql`select week from weekly_reports where sent_at is not null`
  expect(rows.length).toBe(1)
  expect(mails().length).toBe(1)
})
