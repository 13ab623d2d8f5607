import type { SqlTransaction } from "../../base/sql.ts"
import type { EventData } from "../../canonical/events.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import type { KeepingSubscriber } from "../../eventlog/subscriber.ts"

/** Keeps the list of returns; setting its position back makes the list anew. */
export const returnsKeeper: KeepingSubscriber = {
  name: "list of returns",
  types: ["return.requested", "return.progressed", "return.state-changed"],
  async keep(transaction: SqlTransaction, events: readonly StoredEvent[]) {
    const facts = JSON.stringify(events.map(factOf))
    await transaction`select keep_returns(${facts}::text::json)`
  },
}

function factOf({ type, data, time }: StoredEvent): object {
  if (type === "return.requested") {
    const {
      returnId,
      orderId,
      channel,
      reference,
      how,
      reason,
      requestedBy,
      requestedAt: at,
    } = data as EventData<typeof type>
    return {
      what: "requested",
      returnId,
      orderId,
      channel,
      reference: reference?.id,
      how: how ?? "send back",
      reason,
      requestedBy,
      at,
    }
  }
  if (type === "return.progressed") {
    const { returnId, goods, money, books, due, givenBack } = data as EventData<typeof type>
    const sums = { dueMinor: due?.amountMinor, givenMinor: givenBack?.amountMinor, currency: due?.currency }
    return { what: "progressed", returnId, goods, money, books, ...sums, at: time }
  }
  const { returnId, state } = data as EventData<"return.state-changed">
  return { what: "state", returnId, state, at: time }
}
