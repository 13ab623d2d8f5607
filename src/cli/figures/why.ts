import { own } from "../../base/lookup.ts"
import { moneyToDecimal } from "../../base/money.ts"
import { table } from "../table.ts"
import { withApi, word } from "../with-api.ts"
import { momentOf } from "./moment.ts"

interface Flow {
  now: number
  expected: number
  is: string
}

interface Answer {
  from: string
  to: string
  weeks: number
  verdict: string
  missing: number
  stuck: number
  channels: { channel: string; placed: Flow; left: Flow }[]
  money: { channel: string; currency: string; now: number; earlier: number[] }[]
  suspects: { cause: string; orders: number; share: number; evidence: string[]; look: { at: string; id?: string }[] }[]
}

/** `crossdock why`: causes of a dip in revenue, ranked. */
export function runWhy(args: string[]): Promise<number> {
  const options = { from: { type: "string" }, to: { type: "string" }, channel: { type: "string" } } as const
  return withApi(args, options, async (api, { values }) => {
    const answer = await api.get<Answer>("/v1/why", {
      from: momentOf(word(values["from"])),
      to: momentOf(word(values["to"])),
      channel: word(values["channel"]),
    })
    return { data: answer, text: () => answerText(answer) }
  })
}

const verdicts: Readonly<Record<string, string>> = {
  down: "It is down.",
  "as usual": "It is as usual.",
  "not enough data": "Not enough data to say what is usual.",
}

function answerText({ from, to, weeks, verdict, missing, stuck, channels, money, suspects }: Answer): string {
  const rows = channels.map(({ channel, placed, left }) => [
    channel,
    flowText(placed),
    flowText(left),
    money
      .filter((one) => one.channel === channel)
      .map(({ currency, now }) => `${moneyToDecimal({ amountMinor: now, currency })} ${currency}`)
      .join(" + "),
  ])
  // Nothing is said of how much a cause explains where nobody knows what is missing.
  const isKnown = verdict !== "not enough data"
  const causes = suspects.flatMap(({ cause, orders, share, evidence, look }, index) => [
    `${index + 1}. ${cause}${isKnown ? `: explains ${Math.round(orders)} orders (${Math.round(share * 100)} %)` : ""}`,
    ...evidence.map((line) => `   ${line}`),
    ...look.slice(0, 3).map((one) => `   look: ${commandOf(one)}`),
  ])
  return [
    `${from.slice(0, 16)}Z to ${to.slice(0, 16)}Z, beside the same hours of ${weeks} earlier weeks`,
    `${own(verdicts, verdict) ?? verdict}${isKnown ? ` ${missing} orders did not come, ${stuck} came and did not leave.` : " What is wrong is listed all the same."}`,
    ...(rows.length > 0
      ? [table(["channel", "placed", "left", "order value"], rows)]
      : ["no orders in that time, nor in the same hours before"]),
    ...(causes.length > 0 ? causes : ["no cause stands out"]),
  ].join("\n")
}

function flowText({ now, expected, is }: Flow): string {
  return is === "not enough data" ? `${now} (not enough data)` : `${now}, usual ${Math.round(expected)} (${is})`
}

function commandOf({ at, id = "" }: { at: string; id?: string }): string {
  switch (at) {
    case "connection":
      return `crossdock connections   (${id})`
    case "group":
      return `crossdock groups   (${id})`
    case "orders":
      return `crossdock orders --state ${id}`
    default:
      return `crossdock kpis --by channel --step hour --figure "orders placed"   (${id})`
  }
}
