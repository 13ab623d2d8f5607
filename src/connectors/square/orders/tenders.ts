import { own } from "../../../base/lookup.ts"
import { cut } from "../../../base/text.ts"
import type { Tender } from "../../../canonical/sales/receipt-tender.ts"
import { fieldOf } from "../payloads.ts"
import { sumOf } from "./applied.ts"
import type { Spot } from "./spot.ts"

/** Payments that an order names, by their ids. */
export interface Money {
  payments: ReadonlyMap<string, Spot>
  locationId: string
}

/** TenderType, the `source_type` of a Payment, and the `destination_type` of a PaymentRefund: they overlap. */
const kinds = {
  CARD: "card",
  CASH: "cash",
  SQUARE_GIFT_CARD: "gift card",
  SQUARE_ACCOUNT: "account",
  BANK_ACCOUNT: "other",
  WALLET: "other",
  BUY_NOW_PAY_LATER: "other",
  THIRD_PARTY_CARD: "other",
  EXTERNAL: "other",
  OTHER: "other",
} as const
type SquareKind = keyof typeof kinds

export const kindNames = Object.fromEntries(Object.keys(kinds).map((name) => [name, name])) as Record<
  SquareKind,
  SquareKind
>

/** The `type` of ExternalPaymentDetails. */
const externalTypes: Readonly<Record<string, Pick<Tender, "kind" | "name">>> = {
  ...Object.fromEntries(
    [
      "CHECK",
      "BANK_TRANSFER",
      "OTHER_GIFT_CARD",
      "CRYPTO",
      "SQUARE_CASH",
      "SOCIAL",
      "EXTERNAL",
      "EMONEY",
      "CARD",
      "STORED_BALANCE",
      "OTHER",
    ].map((type) => [type, { kind: "other" as const, name: `external ${type.toLowerCase().replaceAll("_", " ")}` }]),
  ),
  FOOD_VOUCHER: { kind: "voucher", name: "food voucher" },
}

/** Payment.status, or the status of a card tender: whether its money was taken. */
const takenBy = {
  COMPLETED: "taken",
  CAPTURED: "taken",
  CANCELED: "none",
  FAILED: "none",
  VOIDED: "none",
  APPROVED: "not yet",
  AUTHORIZED: "not yet",
  PENDING: "not yet",
} as const

/**
 * A tender of an order. `amount_money` has the tip in it and equals the payment's `total_money` (Tender, its description). One whose
 * payment was voided or failed moved nothing; one that is not taken yet is a problem, because the order says that it is paid.
 */
export function tenderOf(spot: Spot, money: Money): Tender[] {
  const payment = money.payments.get(spot.text("payment_id") ?? "")
  const status = payment ?? spot.child("card_details")
  // Cash has no status; a payment always has one.
  const taken = payment || status.has("status") ? status.word("status", takenBy) : "taken"
  if (spot.has("payment_id") && !payment) spot.fail("Square does not have this payment", "payment_id")
  if (taken === "none") return []
  if (taken === "not yet") status.fail("its money has not been taken yet: the receipt counts when it was", "status")
  const amountMinor = spot.amount("amount_money")
  const paid = payment?.minor("total_money")
  if (paid !== undefined && paid !== amountMinor)
    spot.fail(`is ${amountMinor} minor units, and its payment ${paid}`, "amount_money")
  const type = spot.word("type", kindNames)
  if (type === undefined) return []
  return [
    {
      ...meansOf(type, { spot, payment, locationId: money.locationId }),
      ...givenOf(spot, { type, payment, amountMinor }),
    },
  ]
}

/** The tips of an order's tenders, but for those whose money was never taken. */
export function tipsMinor(tenders: readonly Spot[], { payments }: Money): number {
  const given = tenders.filter((tender) => {
    const status = payments.get(tender.text("payment_id") ?? "") ?? tender.child("card_details")
    return own(takenBy, status.text("status") ?? "") !== "none"
  })
  return sumOf(given.map((tender) => tender.minor("tip_money") ?? 0))
}

/** What was given, and the change. Both stand at the tender; older payments in the Payment only. */
function givenOf(
  spot: Spot,
  { type, payment, amountMinor }: { type: SquareKind; payment: Spot | undefined; amountMinor: number },
): Pick<Tender, "amountMinor" | "changeMinor"> {
  if (type !== "CASH") return { amountMinor }
  const [tendered, cash] = [spot.child("cash_details"), payment?.child("cash_details")]
  const given = tendered.minor("buyer_tendered_money") ?? cash?.minor("buyer_supplied_money") ?? amountMinor
  const change = tendered.minor("change_back_money") ?? cash?.minor("change_back_money") ?? given - amountMinor
  if (given - change !== amountMinor || change < 0)
    spot.fail(`${given} minor units were given and ${change} given back, which is not ${amountMinor}`, "cash_details")
  return { amountMinor: given, ...(change > 0 ? { changeMinor: change } : {}) }
}

interface Means {
  spot: Spot
  payment: Spot | undefined
  locationId: string
  isBack?: boolean
}

/** By what a payment was made, or a refund goes back. */
export function meansOf(type: SquareKind, means: Means): Pick<Tender, "kind" | "name" | "card"> {
  const { spot, payment, isBack = false } = means
  switch (type) {
    case "CARD":
      return cardOf(means)
    case "EXTERNAL":
    case "OTHER": {
      const details = isBack
        ? spot.child("destination_details").child("external_details")
        : payment?.child("external_details")
      const external = details?.has("type") ? details : payment?.child("external_details")
      if (!external?.has("type")) return { kind: "other" }
      return external.word("type", externalTypes) ?? { kind: "other" }
    }
    case "WALLET":
      return { kind: "other", name: brandOf("wallet", payment?.child("wallet_details").text("brand")) }
    case "BUY_NOW_PAY_LATER":
      return { kind: "other", name: brandOf("pay later", payment?.child("buy_now_pay_later_details").text("brand")) }
    case "BANK_ACCOUNT":
      return { kind: "other", name: "bank account" }
    case "THIRD_PARTY_CARD":
      return { kind: "other", name: "third-party card" }
    default:
      return { kind: kinds[type] }
  }
}

const brandOf = (kind: string, brand: string | undefined) =>
  cut(brand === undefined ? kind : `${kind} ${brand.toLowerCase()}`, 64)

/** A card, or a gift card of Square's, which pays as a card does. Each location is settled by itself. */
function cardOf({ spot, payment, locationId, isBack = false }: Means): Pick<Tender, "kind" | "card"> {
  // A refund names its card where that is another one than the payment's (PaymentRefund, `destination_details`).
  const destination = isBack ? spot.child("destination_details") : undefined
  const details = (destination?.has("card_details") ? destination : (payment ?? spot)).child("card_details")
  const brand = details.child("card").text("card_brand")
  if (brand === "SQUARE_GIFT_CARD") return { kind: "gift card" }
  const reference = spot.text("payment_id") ?? spot.text("id")
  const isOffline = fieldOf(payment?.value, "is_offline_payment") === true
  const isOnlyPresent = fieldOf(details.value, "refund_requires_card_presence") === true
  return {
    kind: "card",
    card: {
      merchantAccount: cut(payment?.text("location_id") ?? locationId, 64),
      // A part of a reference would refer to nothing. Ids of refunds may be longer.
      ...(reference === undefined || reference.length > 64 ? {} : { acquirerReference: reference }),
      ...(brand === undefined ? {} : { brand: cut(brand, 64) }),
      ...(isOffline ? { authorisation: "forwarded" as const } : {}),
      ...(isOnlyPresent ? { refundsOnlyPresent: true } : {}),
    },
  }
}

/** Whether all of an order's tenders are the drawer being opened for nothing. */
export function isNoSale(tenders: readonly Spot[]): boolean {
  return tenders.length > 0 && tenders.every((one) => one.text("type") === "NO_SALE")
}

/** The device that took the first payment with one, as Square calls it. */
export function deviceOf(tenders: readonly Spot[], { payments }: Money): string | undefined {
  for (const tender of tenders) {
    const payment = payments.get(tender.text("payment_id") ?? "")
    const [taken, card] = [payment?.child("device_details"), payment?.child("card_details").child("device_details")]
    const device =
      taken?.text("device_id") ??
      card?.text("device_id") ??
      taken?.text("device_installation_id") ??
      card?.text("device_installation_id")
    if (device !== undefined) return device
  }
  return undefined
}

/** The till of a device by the settings; its own id otherwise. */
export function tillOf(
  device: string | undefined,
  { tills = {}, otherwise }: { tills?: Readonly<Record<string, string>> | undefined; otherwise: string },
): string {
  if (device === undefined) return otherwise
  return own(tills, device) ?? cut(device, 64)
}
