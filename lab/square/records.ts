/** Money of Square: whole units of the smallest denomination, whatever the currency. */
export type Money = { amount: number; currency: string }

export type Applied = { uid: string; applied_money: Money } & ({ tax_uid: string } | { discount_uid: string })

export type LineItem = {
  uid: string
  name: string
  quantity: string
  item_type: "ITEM" | "CUSTOM_AMOUNT" | "GIFT_CARD"
  catalog_object_id?: string
  variation_name?: string
  quantity_unit?: object
  modifiers?: { uid: string; name: string; base_price_money: Money; total_price_money: Money }[]
  applied_taxes?: Applied[]
  applied_discounts?: Applied[]
  base_price_money: Money
  variation_total_price_money: Money
  gross_sales_money: Money
  total_tax_money: Money
  total_discount_money: Money
  total_service_charge_money: Money
  total_money: Money
}

export type Tax = {
  uid: string
  name: string
  type: "ADDITIVE" | "INCLUSIVE"
  percentage: string
  scope: "ORDER"
  catalog_object_id?: string
  applied_money: Money
}

export type Tender = {
  id: string
  location_id: string
  transaction_id: string
  created_at: string
  amount_money: Money
  tip_money?: Money
  type: string
  card_details?: object
  cash_details?: { buyer_tendered_money: Money; change_back_money: Money }
  payment_id: string
}

/** The fields of a Square order that tills and refunds write. */
export type Order = {
  id: string
  location_id: string
  source: { name: string }
  line_items?: LineItem[]
  taxes?: Tax[]
  discounts?: object[]
  service_charges?: object[]
  returns?: object[]
  return_amounts?: Record<string, Money>
  net_amounts: Record<string, Money>
  rounding_adjustment?: { uid: string; name: string; amount_money: Money }
  tenders?: Tender[]
  refunds?: {
    id: string
    location_id: string
    tender_id: string
    amount_money: Money
    status: string
    [more: string]: unknown
  }[]
  created_at: string
  updated_at: string
  closed_at?: string
  state: string
  total_money?: Money
  total_tax_money?: Money
  total_discount_money?: Money
  total_tip_money?: Money
  total_service_charge_money?: Money
}

export type Payment = {
  id: string
  order_id: string
  location_id: string
  status: string
  source_type: string
  amount_money: Money
  tip_money?: Money
  total_money: Money
  created_at: string
  updated_at: string
  refund_ids?: string[]
  [more: string]: unknown
}

export type PaymentRefund = {
  id: string
  order_id: string
  payment_id: string
  location_id: string
  status: string
  amount_money: Money
  destination_type: string
  created_at: string
  updated_at: string
}
