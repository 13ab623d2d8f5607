import { cut } from "../../base/text.ts"
import { money, moneyText, type Money } from "../../base/money.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import type { JournalEntry } from "../../canonical/ledger-entry.ts"
import { ref } from "../../canonical/refs.ts"
import type { RunContext } from "../../durable/define-workflow.ts"
import { part } from "../../durable/steps/step-name.ts"
import type { Step } from "../../durable/steps/step.ts"
import { StepRejected } from "../../effects/perform.ts"
import type { PostedEntry } from "../../ports/capabilities/books.ts"
import type { OrderPolicies } from "../fulfil-order/policies.ts"
import { onOpenDay } from "../posting/on-open-day.ts"
import type { CreditDue } from "../../canonical/events/finance.ts"

type Context = RunContext<Pick<OrderPolicies, "onClosedPeriod" | "businessDay">>

/** What the books have to take back; `name` tells several credits of one workflow apart. */
type Credit = Omit<CreditDue, "units"> & { name?: string }

/**
 * Has the books take back what was invoiced. Where they cannot be told, finance posts it by hand. False: they refused it, and a person
 * left it so.
 */
export async function postCredit(step: Step, due: Credit, context: Context): Promise<boolean> {
  if (!context.can("postsCredits", { channel: due.channel })) {
    await byHand(step, due)
    return true
  }
  try {
    await inErp(step, due, context)
    return true
  } catch (thrown) {
    if (!(thrown instanceof StepRejected)) throw thrown
    return false
  }
}

async function inErp(step: Step, due: Credit, context: Context): Promise<void> {
  const { amount, entry, orderNumber, refundId, name: credit = "" } = due
  const what = `the credit of refund ${refundId} of order ${orderNumber}`
  const atRisk = absolute(amount)
  const posting = { step: "post credit in ERP", part: credit, businessDate: entry.businessDate, atRisk, what }
  await onOpenDay({ step, context }, posting, (name, postingDate) => {
    const dated = postingDate === entry.businessDate ? entry : { ...entry, postingDate }
    return step.effect(name, {
      write: context.use("postsCredits", { channel: due.channel }).postCredit,
      input: { entry: dated },
      key: entry.number,
      tells: (posted) => creditPosted(step, due, { entry: dated, posted }),
      ifRejected: {
        ask: {
          summary: `The books refused ${what}`,
          ifNobodyActs: ifNotPosted(amount),
          owner: "finance",
          allowedActions: ["retry", "leave it"],
          atRisk,
        },
        except: ["PERIOD_CLOSED"],
      },
    })
  })
}

function creditPosted(
  step: Step,
  { orderId, amount }: Credit,
  { entry, posted }: { entry: JournalEntry; posted: PostedEntry },
): NewEvent[] {
  const { number, kind, businessDate, postingDate } = entry
  return [
    newEvent({
      type: "entry.posted",
      fact: `crossdock:credit:${number}:posted`,
      source: "crossdock:credit refund",
      time: step.now(),
      data: {
        about: ref("order", orderId),
        entryId: number,
        kind,
        total: amount,
        businessDate,
        ...(postingDate === undefined ? {} : { postingDate }),
        ...(posted.reference ? { document: posted.reference } : {}),
        at: step.now(),
      },
    }),
  ]
}

/** What a refund leaves to credit may be negative by a cent, where the shop rounded down. */
const absolute = ({ amountMinor, currency }: Money): Money => money(Math.abs(amountMinor), currency)

function ifNotPosted(amount: Money): string {
  return `the books have ${moneyText(absolute(amount))} too ${amount.amountMinor < 0 ? "little" : "much"} revenue and tax`
}

async function byHand(step: Step, { amount, entry, orderNumber, refundId, name = "" }: Credit): Promise<void> {
  const lines = entry.lines.map(({ account, amount: { amountMinor, currency } }) => {
    const side = amountMinor < 0 ? "credit" : "debit"
    return `${side} ${account} ${moneyText(money(Math.abs(amountMinor), currency))}`
  })
  await step.ask(part("post the credit by hand", name), {
    summary: cut(
      `Order ${orderNumber} was refunded after goods had left (refund ${refundId}), and no connection posts credits. Post ${moneyText(absolute(amount))} on ${entry.businessDate}: ${lines.join(", ")}.`,
      1000,
    ),
    ifNobodyActs: ifNotPosted(amount),
    owner: "finance",
    allowedActions: ["posted by hand"],
    atRisk: absolute(amount),
  })
}
