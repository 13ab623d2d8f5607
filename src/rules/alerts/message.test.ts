import { expect, test } from "vitest"
import type { Condition } from "./condition.ts"
import { messageOf, plainText, slackBody } from "./message.ts"

const condition: Condition = {
  key: "promise:refunds closed:stripe",
  rule: "promise",
  subject: { promise: "refunds closed" },
  severity: "page",
  owner: "finance",
  title: "Refunds are late: method stripe",
  detail: ["12 of 12 have the method stripe"],
  count: 12,
  counted: "of the last 50 refunds late",
  money: [
    { amountMinor: 123_450, currency: "EUR" },
    { amountMinor: 500, currency: "JPY" },
  ],
  since: "2026-11-29T10:00:00.000Z",
  path: "/promises/refunds",
  runbook: "https://wiki.example/refunds",
  ifNobodyActs: "buyers wait for <their> money & complain",
  explainedBy: [],
}
const notice = { id: "not_1", thread: "alr_1", condition, at: "2026-11-29T10:30:00.000Z" }
const links = { consoleUrl: "https://shop.example/console" }

test("a message says what, how many, money by currency, since when, whose it is, where to look and what follows otherwise", () => {
  const message = messageOf({ ...notice, kind: "opened" }, links)
  const text = `${message.title}\n${plainText(message)}`
  for (const part of [
    "Refunds are late: method stripe",
    "12 of the last 50 refunds late",
    "1234.50 EUR, 500 JPY",
    "Since 2026-11-29 10:00 UTC, for 30 min",
    "Owner: finance",
    "https://shop.example/console/promises/refunds",
    "https://wiki.example/refunds",
    "If nobody acts: buyers wait",
    "not_1",
  ])
    expect(text).toContain(part)
})

test("its end says how long it was and how much", () => {
  const { title, lines } = messageOf({ ...notice, kind: "resolved" }, links)
  expect(title).toBe("Over: Refunds are late: method stripe")
  expect(lines).toEqual(["It lasted 30 min; at its last look 12 of the last 50 refunds late, 1234.50 EUR, 500 JPY."])
})

test("for Slack, what others wrote can be no link and no mention, and lengths hold", () => {
  const message = messageOf(
    { ...notice, kind: "opened", condition: { ...condition, title: `<!channel> ${"x".repeat(400)}` } },
    links,
  )
  const body = slackBody(message) as { text: string; blocks: { type: string; text?: { text: string } }[] }
  expect(body.text).toContain("&lt;!channel&gt;")
  expect(JSON.stringify(body.blocks.slice(1))).toContain("&lt;their&gt; money &amp; complain")
  expect(body.blocks[0]?.text?.text.length).toBeLessThanOrEqual(150)
  expect(JSON.stringify(body)).toContain("<https://wiki.example/refunds|Runbook>")
})
