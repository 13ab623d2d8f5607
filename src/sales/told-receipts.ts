import { derivedId } from "../base/ids.ts"
import { money, moneyText } from "../base/money.ts"
import { cut, storable } from "../base/text.ts"
import { aboutOf, newEvent, type EventData, type NewEvent } from "../canonical/events.ts"
import { numberText, paidMinor } from "../canonical/sales/receipt-law.ts"
import type { EventLog, StoredEvent } from "../eventlog/event-log.ts"
import type { Subscriber } from "../eventlog/subscriber.ts"
import type { ReceiptOutcome, Receipts } from "./record.ts"

type Told = EventData<"receipt.told">

/**
 * Keeps receipts that the systems of tills tell, as if the tills had sent them. Repeated it changes nothing: a receipt counts once. What
 * cannot be kept at all (no such store, a clock that is wrong) is told to people, with its money.
 */
export function toldReceipts(of: {
  receipts: Pick<Receipts, "recordTold">
  eventLog: Pick<EventLog, "append">
}): Subscriber {
  return {
    name: "receipts of connected tills",
    types: ["receipt.told"],
    batchSizeMax: 500,
    async handle(events) {
      const outcomes = await of.receipts.recordTold(
        events.map((event) => {
          const { receipt, sent, unread } = event.data as Told
          return { receipt, sent, source: event.source, ...(unread ? { unread } : {}) }
        }),
      )
      for (const [n, event] of events.entries()) {
        const outcome = outcomes[n]
        if (outcome?.outcome === "refused") await of.eventLog.append(refused(event, outcome))
      }
      return []
    },
  }
}

function refused(event: StoredEvent, { problems = [] }: ReceiptOutcome): NewEvent {
  const { receipt, sent, unread, system } = event.data as Told
  const worth = money(Math.abs(unread?.worthMinor ?? paidMinor(receipt)), receipt.currency)
  const about = aboutOf({ type: "receipt.told", data: event.data as Told })
  const exceptionId = derivedId("told", about, sent)
  const cause = "receipt cannot be kept"
  const words = problems.map(({ pointer, message }) => `${pointer} ${message}`).join("; ")
  return newEvent({
    type: "exception.opened",
    fact: `crossdock:sales:${exceptionId}`,
    source: "crossdock:sales",
    time: event.time,
    data: {
      exceptionId,
      about,
      cause,
      summary: cut(
        storable(`The receipt ${numberText(receipt)} of ${system} (${moneyText(worth)}) cannot be kept: ${words}`),
        1000,
      ),
      doneSoFar: ["its system was read"],
      ifNobodyActs: "it moves no goods and no money, and no day has it",
      allowedActions: ["acknowledge"],
      owner: "finance",
      atRisk: worth,
      because: { kind: "data", connection: system, operation: cause },
      at: event.time,
    },
  })
}
