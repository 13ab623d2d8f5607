import type { ShownRow, ShownValue, WhyShown } from "../../api/channel-answers.ts"
import { amountText } from "../../format/money.ts"
import { quantityText } from "../../format/quantity.ts"
import type { Column } from "../../list/list.tsx"
import { State, When } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"
import { shownState } from "./state.ts"

const t = en.channels

/** What of the article a row is: its stock at a place, its price in a market, or a field of it. */
export const whereOf = ({ locationId, market, field }: ShownRow) => locationId ?? field ?? t.priceIn(market ?? "")

/** What fits a column; the whole text is in the title. */
const shownMax = 18

function textOf(shown: ShownValue | null): string | undefined {
  if (typeof shown?.milli === "number") return quantityText(shown.milli)
  const value = shown?.value
  if (value === undefined || value === null) return undefined
  if (typeof value === "string") return value === "" ? t.empty : value
  if ("none" in value) return t.noPrice
  const { amountMinor, compareAtMinor, currency } = value
  const price = `${amountText({ amountMinor, currency })} ${currency}`
  return compareAtMinor === undefined
    ? price
    : t.insteadOf(price, amountText({ amountMinor: compareAtMinor, currency }))
}

function Amount({ of, isWrong = false }: { of: ShownValue | null; isWrong?: boolean }) {
  const text = textOf(of)
  if (text === undefined) return <span className="dim">–</span>
  const shown = <span title={text}>{text.length > shownMax ? `${text.slice(0, shownMax)}…` : text}</span>
  return isWrong ? <strong>{shown}</strong> : shown
}

/** The sum that a value is. */
function whyText(why: WhyShown | { text?: string }): string {
  if (!("onHandMilli" in why)) return why.text ?? ""
  const { limitedBy, apartMilli = 0 } = why
  if (limitedBy) {
    const { promiseMilli, sku, milli } = limitedBy
    return signed(t.limitedBy(quantityText(promiseMilli), sku, quantityText(milli)), [
      [-apartMilli, t.apart],
      [-why.unseenMilli, t.unseen],
    ])
  }
  return signed(`${quantityText(why.onHandMilli)} ${t.onHand}`, [
    [-why.reservedMilli, t.reserved],
    [-why.safetyMilli, t.safety],
    [-why.bufferMilli, t.buffer],
    [why.backorderMilli, t.backorder],
    [-why.unseenMilli, t.unseen],
  ])
}

function signed(begin: string, parts: readonly (readonly [milli: number, what: string])[]): string {
  const said = parts.flatMap(([milli, what]) =>
    milli === 0 ? [] : [`${milli < 0 ? "−" : "+"} ${quantityText(Math.abs(milli))} ${what}`],
  )
  return [begin, ...said].join(" ")
}

export const columns: readonly Column<ShownRow>[] = [
  { head: t.sku, cell: ({ sku }) => <strong>{sku}</strong>, onCard: "title" },
  { head: t.state, cell: ({ state }) => <State shown={shownState(state)} />, onCard: "aside" },
  { head: t.place, cell: whereOf },
  { head: t.desired, cell: ({ desired }) => <Amount of={desired} />, isNumber: true },
  { head: t.sent, cell: ({ sent }) => <Amount of={sent} />, isNumber: true },
  {
    head: t.observed,
    cell: ({ observed, desired }) => (
      <Amount of={observed} isWrong={observed !== null && desired !== null && textOf(observed) !== textOf(desired)} />
    ),
    isNumber: true,
  },
  { head: t.by, cell: ({ observed }) => observed?.by },
  { head: t.seen, cell: ({ observed }) => <When at={observed?.at ?? undefined} isShort /> },
  {
    head: t.cause,
    cell: ({ cause, desired }) => {
      const text = cause ?? (desired?.why ? whyText(desired.why) : "")
      return <span title={text}>{text}</span>
    },
    isWide: true,
    onCard: "text",
  },
]
