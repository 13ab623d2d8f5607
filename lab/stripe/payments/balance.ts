import type { KeptMap } from "../../keep/kept.ts"
import { nowSeconds } from "./records.ts"

/** One movement of the merchant's balance; what payouts consist of and what reconciliation counts. */
export type BalanceRecord = {
  id: string
  type: "charge" | "refund" | "refund_failure" | "adjustment" | "payout"
  amount: number
  fee: number
  currency: string
  source: string
  created: number
  payoutId: string | null
}

export type PayoutRecord = { id: string; amount: number; currency: string; created: number; balanceId: string }

/** The part of an account that money moves through. */
export type BalanceBook = {
  readonly balance: KeptMap<string, BalanceRecord>
  readonly payouts: KeptMap<string, PayoutRecord>
  nextId(prefix: string): string
  emit(type: string, object: Record<string, unknown>): void
}

// stripe.com/pricing (EU): 1.5 % + 0.25 EUR for a standard European card. In hundredths of a percent and minor units.
const feeBasisPoints = 150n
const feeFixedMinor = 25n

/** Books a movement; a captured charge costs its fee, and a refund does not bring it back (stripe.com/pricing). */
export function bookBalance(
  account: BalanceBook,
  movement: { type: BalanceRecord["type"]; amount: number; currency: string; source: string },
): BalanceRecord {
  const fee = movement.type === "charge" ? feeOn(movement.amount) : 0
  const record = { ...movement, id: account.nextId("txn"), fee, created: nowSeconds(), payoutId: null }
  account.balance.set(record.id, record)
  return record
}

/** Pays out what each currency has come to since the last payout; a balance that is not positive stays. */
export function payOut(account: BalanceBook): PayoutRecord[] {
  const open = [...account.balance.values()].filter((record) => record.payoutId === null && record.type !== "payout")
  const made: PayoutRecord[] = []
  for (const [currency, records] of Map.groupBy(open, (record) => record.currency)) {
    const amount = records.reduce((sum, record) => sum + record.amount - record.fee, 0)
    if (amount <= 0) continue
    const id = account.nextId("po")
    for (const record of records) {
      record.payoutId = id
      account.balance.changed(record.id)
    }
    const movement = bookBalance(account, { type: "payout", amount: -amount, currency, source: id })
    movement.payoutId = id
    const payout = { id, amount, currency, created: nowSeconds(), balanceId: movement.id }
    account.payouts.set(id, payout)
    account.emit("payout.paid", payoutObject(payout))
    made.push(payout)
  }
  return made
}

// Field lists: npm stripe 23.1.0, BalanceTransaction and Payout.
export function balanceObject(record: BalanceRecord): Record<string, unknown> {
  const feeDetail = {
    amount: record.fee,
    application: null,
    currency: record.currency,
    description: "Stripe processing fees",
    type: "stripe_fee",
  }
  return {
    id: record.id,
    object: "balance_transaction",
    amount: record.amount,
    available_on: record.created,
    balance_type: "payments",
    created: record.created,
    currency: record.currency,
    description: null,
    exchange_rate: null,
    fee: record.fee,
    fee_details: record.fee === 0 ? [] : [feeDetail],
    net: record.amount - record.fee,
    reporting_category: record.type,
    source: record.source,
    status: "available",
    type: record.type,
  }
}

export function payoutObject(payout: PayoutRecord): Record<string, unknown> {
  return {
    id: payout.id,
    object: "payout",
    amount: payout.amount,
    application_fee: null,
    application_fee_amount: null,
    arrival_date: payout.created,
    automatic: true,
    balance_transaction: payout.balanceId,
    created: payout.created,
    currency: payout.currency,
    description: "STRIPE PAYOUT",
    destination: null,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    livemode: false,
    metadata: {},
    method: "standard",
    original_payout: null,
    payout_method: null,
    reconciliation_status: "completed",
    reversed_by: null,
    source_type: "card",
    statement_descriptor: null,
    status: "paid",
    trace_id: null,
    type: "bank_account",
  }
}

function feeOn(amount: number): number {
  const share = (BigInt(amount) * feeBasisPoints + 5_000n) / 10_000n
  return Number(share + feeFixedMinor)
}
