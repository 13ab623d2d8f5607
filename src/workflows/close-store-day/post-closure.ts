import { money, moneyText, type Money } from "../../base/money.ts"
import { cut } from "../../base/text.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { storeDayRef } from "../../canonical/sales/events.ts"
import type { Closure } from "../../canonical/sales/store-day.ts"
import type { StoreEntry } from "../../canonical/sales/store-entry.ts"
import type { RunContext } from "../../durable/define-workflow.ts"
import { part } from "../../durable/steps/step-name.ts"
import type { Step } from "../../durable/steps/step.ts"
import { StepRejected } from "../../effects/perform.ts"
import type { PostedEntry } from "../../ports/capabilities/books.ts"
import { onOpenDay } from "../posting/on-open-day.ts"
import type { StoreDayPolicies } from "./policies.ts"

export type StoreDayContext = RunContext<StoreDayPolicies>

/** Posts every entry of a closing or a correction, each once. Where no connection posts them, finance does it by hand. */
export async function postClosure(step: Step, { entries, storeId }: Closure, context: StoreDayContext): Promise<void> {
  const canPost = context.can("postsStoreDays", { store: storeId })
  for (const entry of entries) await (canPost ? inBooks(step, entry, context) : byHand(step, entry))
}

async function inBooks(step: Step, entry: StoreEntry, context: StoreDayContext): Promise<void> {
  const { storeId, businessDay, entryId } = entry
  const atRisk = turnoverOf(entry)
  const what = `${entry.text} (${entry.currency})`
  const posting = { step: "post the day", part: entryId, businessDate: businessDay, atRisk, what, locationId: storeId }
  try {
    await onOpenDay({ step, context }, posting, (name, postingDate) => {
      const dated = postingDate === businessDay ? entry : { ...entry, postingDate }
      return step.effect(name, {
        write: context.use("postsStoreDays", { store: storeId }).postStoreDay,
        input: { entry: dated },
        key: entryId,
        tells: (posted) => entryPosted(step, dated, posted),
        ifRejected: {
          ask: {
            summary: `The books refused ${what}`,
            ifNobodyActs: `the books lack ${moneyText(atRisk)} of ${what}`,
            owner: "finance",
            allowedActions: ["retry", "leave it"],
            atRisk,
          },
          except: ["PERIOD_CLOSED"],
        },
      })
    })
  } catch (thrown) {
    // A person left it: the books go without this entry, and the others are posted.
    if (!(thrown instanceof StepRejected)) throw thrown
  }
}

function entryPosted(step: Step, entry: StoreEntry, posted: PostedEntry): NewEvent[] {
  const { entryId, businessDay, postingDate } = entry
  return [
    newEvent({
      type: "entry.posted",
      fact: `crossdock:store day:${entryId}:posted`,
      source: "crossdock:close store day",
      time: step.now(),
      data: {
        about: storeDayRef(entry),
        entryId,
        kind: "store day",
        total: turnoverOf(entry),
        businessDate: businessDay,
        ...(postingDate === undefined ? {} : { postingDate }),
        ...(posted.reference ? { document: posted.reference } : {}),
        at: step.now(),
      },
    }),
  ]
}

/** The debits of an entry. */
function turnoverOf({ lines, currency }: StoreEntry): Money {
  return money(
    lines.reduce((sum, { amountMinor }) => sum + Math.max(amountMinor, 0), 0),
    currency,
  )
}

async function byHand(step: Step, entry: StoreEntry): Promise<void> {
  const { entryId, currency, text, lines } = entry
  const sides = lines.map(({ account, taxCode, tender, merchantAccount, amountMinor }) => {
    const of = [account, taxCode, tender, merchantAccount].filter((one) => one !== undefined).join(" ")
    return `${amountMinor < 0 ? "credit" : "debit"} ${of} ${moneyText(money(Math.abs(amountMinor), currency))}`
  })
  await step.ask(part("post the day by hand", entryId), {
    summary: cut(`No connection posts the days of stores. Post ${text}: ${sides.join(", ")}.`, 1000),
    ifNobodyActs: `the books lack ${moneyText(turnoverOf(entry))}`,
    owner: "finance",
    allowedActions: ["posted by hand"],
    atRisk: turnoverOf(entry),
  })
}
