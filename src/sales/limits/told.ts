import { derivedId } from "../../base/ids.ts"
import { money, moneyText } from "../../base/money.ts"
import type { NewEvent } from "../../canonical/events.ts"
import { opened, receiptText } from "../takings/told.ts"
import type { Refund } from "./rows.ts"

/** The case about what a till gave beyond the policy. The buyer has left with the money, so nothing is refused. */
export function overOpened(
  refund: Refund,
  { overMinor, why }: { overMinor: number; why: string },
  at: string,
): NewEvent<"exception.opened"> {
  const { receipt, kind, currency, givenMinor, cases } = refund
  const given = moneyText(money(givenMinor, currency))
  const base = { exceptionId: derivedId("till-limit", kind, receipt, String(cases)), lostMinor: overMinor, at }
  const till = receiptText(refund)
  if (kind === "offline")
    return opened(refund, {
      ...base,
      cause: "till gave back too much while offline",
      summary: `${till} gave ${given} for goods while the till had no connection: ${why}.`,
      ifNobodyActs: "the buyer has the money; what is told by another case of the receipt is not in it",
    })
  return opened(refund, {
    ...base,
    cause: "return without a receipt is beyond the limits",
    summary: `${till} gave ${given} for goods without their receipt: ${why}.`,
    ifNobodyActs: "the buyer has the money, and nobody knows what was paid for the goods",
  })
}
