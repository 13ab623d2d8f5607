import { own } from "../../base/lookup.ts"
import { moneyFromDecimal, isCurrency } from "../../base/money.ts"
import type { Tender } from "../../canonical/sales/receipt-tender.ts"
import type { PoslogSetting } from "./header.ts"
import { optional, readVoids, type RawLine } from "./lines.ts"
import { decimal, type Spot } from "./spot.ts"

/** A means of payment as the file writes it. */
export interface RawTender {
  spot: Spot
  sequence: string
  tender: Omit<Tender, "amountMinor" | "changeMinor">
  /** Negative where money went back. */
  amountMinor: number
  changeMinor: number
  tipMinor: number
  voids: RawLine["voids"]
}

// Kinds of tender: omg.org/retail-depository/arts-odm-73, Tender (cash, credit, debit, customer account, cheque, stored value, coupon,
// voucher); as POSLog writes them: files of NCR (kjbreil/poslog) and Wincor Nixdorf.
const kinds = {
  Cash: "cash",
  CreditDebit: "card",
  StoredValue: "gift card",
  GiftCard: "gift card",
  GiftCertificate: "gift card",
  Voucher: "voucher",
  CustomerAccount: "account",
  Check: "other",
  Cheque: "other",
  Coupon: "other",
  ManufacturerCoupon: "other",
} as const satisfies Record<string, Tender["kind"]>

/** The kind of a TenderType; undefined, and a problem, for one that nobody explained. */
export function tenderKind(spot: Spot, { policy }: PoslogSetting): Pick<Tender, "kind" | "name"> | undefined {
  const type = spot.attribute("TenderType")
  if (type === undefined) return spot.fail("expected the kind of tender", "/@TenderType")
  const kind = own(policy.tenders ?? {}, type) ?? own(kinds, type)
  if (kind === undefined)
    return spot.fail(
      `"${type.slice(0, 60)}" is no kind of tender that is known: say it in policies.sales.poslog.tenders`,
      "/@TenderType",
    )
  return kind === "other" ? { kind, name: type.slice(0, 64) } : { kind }
}

/** A tender of a receipt; undefined, with every problem noted, when the envelope cannot hold it. */
export function readTender(item: Spot, spot: Spot, of: PoslogSetting & { currency: string }): RawTender | undefined {
  const before = item.problems.length
  const kind = tenderKind(spot, of)
  const amount = spot.child("Amount")
  const foreign = readForeign(spot, amount)
  // In foreign money the attribute names it, and the amount is in the receipt's all the same (GK, 4.3.6.1).
  const minor = foreign ? local(amount, of.currency) : amount?.minor(of.currency)
  if (!amount) spot.fail("expected an amount", "/Amount")
  const change = spot.child("TenderChange")?.child("Amount")
  const changeMinor = (change && (foreign ? local(change, of.currency) : change.minor(of.currency))) ?? 0
  const cashback = spot.child("Cashback") ?? spot.child("CashBack")
  if (cashback && decimal(cashback.text) !== 0n)
    cashback.fail("cash that a card paid for is not read: send it as a tender of its own")
  const tipMinor = spot.child("Tip")?.minor(of.currency) ?? 0
  if (item.problems.length > before || minor === undefined || !kind) return undefined
  return {
    spot,
    sequence: item.value("SequenceNumber") ?? "",
    tender: {
      ...kind,
      ...(foreign ? { foreign } : {}),
      ...readCard(spot, kind.kind),
      ...optional("cardId", kind.kind === "card" ? undefined : cardIdOf(spot)),
    },
    amountMinor: spot.attribute("TypeCode") === "Refund" ? -Math.abs(minor) : minor,
    changeMinor: Math.abs(changeMinor),
    tipMinor,
    voids: readVoids(item, spot),
  }
}

function local(amount: Spot | undefined, currency: string): number | undefined {
  try {
    return amount && moneyFromDecimal(amount.text, currency).amountMinor
  } catch {
    return amount?.fail(`expected a decimal amount of ${currency}`)
  }
}

function readForeign(spot: Spot, amount: Spot | undefined): Tender["foreign"] | undefined {
  const foreign = spot.child("ForeignCurrency")
  if (!foreign) {
    if (amount?.attribute("ForeignAmount") !== undefined)
      amount.fail("expected the currency and the rate of it in ForeignCurrency", "/@ForeignAmount")
    return undefined
  }
  const code = foreign.value("CurrencyCode") ?? amount?.attribute("Currency") ?? ""
  if (!isCurrency(code)) return foreign.fail("expected a currency of ISO 4217", "/CurrencyCode")
  const rate = foreign.value("ExchangeRate") ?? ""
  if (!/^\d{1,12}(\.\d{1,12})?$/.test(rate)) return foreign.fail("expected the rate", "/ExchangeRate")
  const face = foreign.child("OriginalFaceAmount")
  const amountMinor = face?.minor(code)
  if (!face) foreign.fail("expected the amount", "/OriginalFaceAmount")
  return amountMinor === undefined ? undefined : { amount: { amountMinor, currency: code }, rate }
}

/** Whose settlement it comes by, where the file says so. */
function readCard(spot: Spot, kind: Tender["kind"]): Pick<Tender, "card"> {
  const authorization = spot.child("Authorization")
  const merchantAccount = authorization?.value("MerchantNumber")
  if (kind !== "card" || merchantAccount === undefined) return {}
  const reference = authorization?.value("ReferenceNumber")?.slice(0, 64)
  const brand = spot.child("CreditDebit")?.attribute("CardType")?.slice(0, 64)
  return { card: { merchantAccount, ...optional("acquirerReference", reference), ...optional("brand", brand) } }
}

function cardIdOf(spot: Spot): string | undefined {
  for (const local of ["Voucher", "GiftCard", "GiftCertificate", "StoredValue"]) {
    const inner = spot.child(local)
    const id = inner?.value("SerialNumber") ?? inner?.value("CardNumber")
    if (id !== undefined) return id
  }
  return undefined
}
