import type { Receipt } from "../../canonical/sales/receipt.ts"
import type { Header, PoslogSetting } from "./header.ts"
import type { Spot } from "./spot.ts"
import { tenderKind } from "./tenders.ts"

/** Money between the drawer and the safe, and in and out of it. GK POSLog Structure v3, 4.3.7; NCR's TenderLoan and TenderPickup have the same shape. */
const movements = { TenderLoan: "float", TenderPickup: "safe-drop", PaidIn: "paid-in", PaidOut: "paid-out" } as const

/** A ControlTransaction: a number of the till that sold nothing and moved nothing (sign-on, a price that was looked up, an end of day). */
export function readControl(control: Spot, header: Header): Receipt {
  return { ...header, kind: control.child("NoSale") ? "no-sale" : "control" }
}

/** A TenderControlTransaction: money without a sale, or a count. Undefined, with every problem noted, for one that the envelope cannot hold. */
export function readTenderControl(control: Spot, header: Header, of: PoslogSetting): Receipt | undefined {
  const names = [...Object.keys(movements), "TillSettle"]
  const moved = control.element.children.filter(({ local }) => names.includes(local))
  if (moved.length > 1)
    return control.fail(`moves money ${moved.length} times: send a transaction for each movement and each count`)
  for (const [name, kind] of Object.entries(movements) as [keyof typeof movements, Receipt["kind"]][]) {
    const spot = control.child(name)
    if (!spot) continue
    const money = readMoney(spot, header, of)
    return money && { ...header, kind, money }
  }
  const settle = control.child("TillSettle")
  if (settle) return readCount(settle, header, of)
  const what = control.own().map(({ element }) => element.local)
  return control.fail(
    `"${what.join(", ")}" moves money, and is no movement that is read: expected ${Object.keys(movements).join(", ")} or TillSettle`,
  )
}

/** How many parts it has of a name, in any namespace. */
const countOf = ({ element }: Spot, local: string) => element.children.filter((one) => one.local === local).length

function readMoney(spot: Spot, { currency }: Header, of: PoslogSetting): Receipt["money"] | undefined {
  const totals = spot.child("Totals")
  const amount = spot.child("Amount") ?? totals?.child("Amount") ?? spot.child("TenderAmount")
  if (!amount) return spot.fail("expected how much", "/Amount")
  if (countOf(spot, "TenderAmount") > 1 || countOf(spot, "Totals") > 1)
    return spot.fail("moves several tenders at once: send a transaction for each")
  const minor = amount.minor(currency)
  const others = [totals?.child("Amount"), spot.child("TenderAmount")].flatMap((other) => other ?? [])
  if (
    countOf(spot, "Amount") > 1 ||
    (totals && countOf(totals, "Amount") > 1) ||
    others.some((other) => other.minor(currency) !== minor)
  )
    return spot.fail("says several amounts: expected one", "/Amount")
  if (minor !== undefined && minor < 0)
    return amount.fail("is negative: a movement of the other way has a name of its own, e.g. PaidIn and PaidOut")
  const named = [amount, ...(totals ? [totals] : []), spot].find((one) => one.attribute("TenderType") !== undefined)
  const tender = named && tenderKind(named, of)
  if (minor === undefined || (named && !tender)) return undefined
  const reason = (spot.value("Reason") ?? spot.value("ReasonCode"))?.slice(0, 200)
  // Cash is what is meant without a name.
  const name = tender && tender.kind !== "cash" ? (tender.name ?? tender.kind) : undefined
  return {
    amountMinor: Math.abs(minor),
    ...(name === undefined ? {} : { tender: name }),
    ...(reason === undefined ? {} : { reason }),
  }
}

/** What was counted is `Ending` of each tender. */
function readCount(settle: Spot, header: Header, of: PoslogSetting): Receipt | undefined {
  const counts = settle.all("TenderSummary").flatMap((summary) => {
    const ending = summary.child("Ending")
    if (!ending) return []
    const tender = tenderKind(ending.attribute("TenderType") === undefined ? summary : ending, of)
    const amount = ending.child("Amount")
    const counted = amount ? amount.minor(header.currency) : ending.fail("expected how much was counted", "/Amount")
    if (!tender || counted === undefined) return []
    const sign = ending.attribute("TypeCode") === "Refund" ? -1 : 1
    return [{ tender: tender.name ?? tender.kind, countedMinor: sign * counted }]
  })
  if (counts.length === 0) return settle.fail("expected what was counted", "/TenderSummary/Ending")
  return { ...header, kind: "count", counts }
}
