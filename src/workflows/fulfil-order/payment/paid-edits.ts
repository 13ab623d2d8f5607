import type { EventName } from "../../../canonical/events.ts"
import type { Order, Tender } from "../../../canonical/order.ts"
import type { Step } from "../../../durable/steps/step.ts"
import { part } from "../../../durable/steps/step-name.ts"
import { unpaidMinor } from "../../../rules/edit-payment.ts"
import { editName } from "../../../rules/fulfilment/texts/changes.ts"
import type { News, Told } from "../../../rules/fulfilment/news.ts"
import type { Fulfilment } from "../../../rules/fulfilment/state.ts"
import type { OrderPolicies } from "../policies.ts"
import { tendersNow } from "./tenders.ts"

type Edit = Told<"order.edited">

/**
 * Edits after release that leave nothing more unpaid than before, where the policy has those carried out without a person: an exchange
 * that the shop's staff entered, for example. One that waits because it was not paid is looked at again when money is heard of.
 */
export class PaidEdits {
  readonly #step: Step
  readonly #isWanted: boolean
  #looks = 0
  #isDue = false

  constructor(step: Step, { onLateEdit }: Pick<OrderPolicies, "onLateEdit">) {
    this.#step = step
    this.#isWanted = onLateEdit === "carry out what is paid"
  }

  /** Payments are news only while an edit waits: other steps wait for them, too. */
  listensTo({ waitingEdits }: Fulfilment): readonly Extract<EventName, "order.tender-changed">[] {
    return this.#isWanted && waitingEdits.length > 0 ? ["order.tender-changed"] : []
  }

  /** The edit as news, with the payments that came for it when it is paid. */
  async hear(edit: Edit, { order }: Fulfilment): Promise<Edit> {
    const paid = this.#isWanted
      ? await this.#look(edit.fact, { order, edited: edit.data.order, isFirst: true })
      : undefined
    return paid ? { ...edit, paid } : edit
  }

  /** Money was heard of: what waits may be paid now. */
  noteMoney(): void {
    this.#isDue = true
  }

  async lookAgain({ order, waitingEdits }: Fulfilment): Promise<News | undefined> {
    const [edit] = waitingEdits
    if (!this.#isWanted || !this.#isDue || !edit) return undefined
    this.#isDue = false
    const paid = await this.#look(edit.fact, { order, edited: edit.order, isFirst: false })
    return paid && { type: "edit is paid", fact: edit.fact, paid }
  }

  /** What people were told of while the policy was another, or decided in this moment, is theirs. */
  async #look(fact: string, { order, edited, isFirst }: { order: Order; edited: Order; isFirst: boolean }) {
    this.#looks += 1
    const found = await this.#step.decide(part("look for late facts", `paid:${fact}:${this.#looks}`), () => {
      if (isFirst ? this.#step.hasRaised(editName(fact)) : this.#step.decisionOn(editName(fact)) !== undefined)
        return null
      const tenders = tendersNow(this.#step, order)
      const known = { tenders, refunds: this.#step.heard("order.refunded").map(({ data }) => data) }
      const isGood = ({ state }: Tender) => state === "authorised" || state === "captured"
      const added = tenders.filter((one) => isGood(one) && order.tenders.every(({ id }) => id !== one.id))
      return unpaidMinor(edited, known) <= unpaidMinor(order, known) ? { added } : null
    })
    return found ?? undefined
  }
}
