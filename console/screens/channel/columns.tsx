import type { ShownRow, WhyShown } from "../../api/channel-answers.ts"
import { quantityText } from "../../format/quantity.ts"
import type { Column } from "../../list/list.tsx"
import { State, When } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"
import { shownState } from "./state.ts"

const t = en.channels

const amount = (milli: number | null | undefined) =>
  milli === null || milli === undefined ? <span className="dim">–</span> : quantityText(milli)

/** The sum that a value is. */
function whyText(why: WhyShown): string {
  const parts = [
    [-why.reservedMilli, t.reserved],
    [-why.safetyMilli, t.safety],
    [-why.bufferMilli, t.buffer],
    [why.backorderMilli, t.backorder],
    [-why.unseenMilli, t.unseen],
  ] as const
  const said = parts.flatMap(([milli, what]) =>
    milli === 0 ? [] : [`${milli < 0 ? "−" : "+"} ${quantityText(Math.abs(milli))} ${what}`],
  )
  return [`${quantityText(why.onHandMilli)} ${t.onHand}`, ...said].join(" ")
}

export const columns: readonly Column<ShownRow>[] = [
  { head: t.sku, cell: ({ sku }) => <strong>{sku}</strong>, onCard: "title" },
  { head: t.state, cell: ({ state }) => <State shown={shownState(state)} />, onCard: "aside" },
  { head: t.place, cell: ({ locationId }) => locationId },
  { head: t.desired, cell: ({ desired }) => amount(desired?.milli), isNumber: true },
  { head: t.sent, cell: ({ sent }) => amount(sent?.milli), isNumber: true },
  {
    head: t.observed,
    cell: ({ observed, desired }) => {
      const isWrong = observed && desired && observed.milli !== desired.milli
      return isWrong ? <strong>{amount(observed.milli)}</strong> : amount(observed?.milli)
    },
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
