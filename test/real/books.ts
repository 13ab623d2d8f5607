import postgres from "postgres"

/** An invoice or credit note of a sale; a credit note has negative amounts. */
export type TrytonInvoice = {
  id: number
  number: string | null
  state: string
  untaxedMinor: number
  taxMinor: number
  totalMinor: number
  /** What the posted general-ledger move says the customer owes for it; 0 until it is posted. */
  ledgerMinor: number
}

export type TrytonShipment = {
  /** `stock.shipment.out,1`, or `stock.shipment.out.return,1` for goods coming back. */
  ref: string
  state: string
  moves: { sku: string; quantity: number; state: string }[]
}

export type TrytonSale = {
  id: number
  reference: string
  number: string | null
  state: string
  shipmentState: string
  invoiceState: string
  untaxedMinor: number
  lines: { sku: string; quantity: number; unitPrice: string }[]
  shipments: TrytonShipment[]
  invoices: TrytonInvoice[]
}

/** Tryton's sales by external reference, read from its own tables. More than one sale under a reference is a double. */
export async function readTrytonSales(databaseUrl: string): Promise<Map<string, TrytonSale[]>> {
  return withDatabase(databaseUrl, async (sql) => {
    const [sales, lines, moves, invoices] = await Promise.all([
      sql<Omit<TrytonSale, "lines" | "shipments" | "invoices" | "untaxedMinor">[]>`
        select id, coalesce(reference, '') as reference, number, state, shipment_state as "shipmentState",
               invoice_state as "invoiceState"
        from sale_sale order by id`,
      sql<{ sale: number; sku: string; quantity: number; unitPrice: string; untaxedMinor: number }[]>`
        select l.sale, coalesce(p.code, '') as sku, l.quantity, l.unit_price::text as "unitPrice",
               (round(l.quantity::numeric * l.unit_price, 2) * 100)::float8 as "untaxedMinor"
        from sale_line l left join product_product p on p.id = l.product
        where l.type = 'line' order by l.id`,
      shipmentMoves(sql),
      saleInvoices(sql),
    ])
    const filled = sales.map((sale) => {
      const ownLines = lines.filter((line) => line.sale === sale.id)
      return {
        ...sale,
        untaxedMinor: ownLines.reduce((sum, line) => sum + line.untaxedMinor, 0),
        lines: ownLines.map(({ sku, quantity, unitPrice }) => ({ sku, quantity, unitPrice })),
        shipments: shipmentsOf(moves.filter((move) => move.sale === sale.id)),
        invoices: invoices.filter((each) => each.sale === sale.id).map(({ sale: _sale, ...invoice }) => invoice),
      }
    })
    return Map.groupBy(filled, (sale) => sale.reference)
  })
}

type MoveRow = { sale: number; ref: string; shipmentState: string; sku: string; quantity: number; state: string }

function shipmentMoves(sql: postgres.Sql): Promise<MoveRow[]> {
  return sql<MoveRow[]>`
    select l.sale, m.shipment as ref, coalesce(o.state, r.state, '') as "shipmentState", p.code as sku, m.quantity, m.state
    from stock_move m
    join sale_line l on m.origin = 'sale.line,' || l.id
    join product_product p on p.id = m.product
    left join stock_shipment_out o on m.shipment = 'stock.shipment.out,' || o.id
    left join stock_shipment_out_return r on m.shipment = 'stock.shipment.out.return,' || r.id
    where m.shipment is not null
    order by m.id`
}

function shipmentsOf(moves: MoveRow[]): TrytonShipment[] {
  return [...Map.groupBy(moves, (move) => move.ref)].map(([ref, own]) => ({
    ref,
    state: own[0]?.shipmentState ?? "",
    moves: own.map(({ sku, quantity, state }) => ({ sku, quantity, state })),
  }))
}

/** A credit note made by Tryton's wizard carries no reference: it is found through the invoice lines it credits. */
function saleInvoices(sql: postgres.Sql): Promise<(TrytonInvoice & { sale: number })[]> {
  return sql<(TrytonInvoice & { sale: number })[]>`
    with billed as (
      select il.id, il.invoice, l.sale from account_invoice_line il join sale_line l on il.origin = 'sale.line,' || l.id
    ), linked as (
      select invoice, sale from billed
      union
      select il.invoice, b.sale from account_invoice_line il join billed b on il.origin = 'account.invoice.line,' || b.id
    ), amounts as (
      select i.id,
        coalesce((select sum(round(il.quantity::numeric * il.unit_price, 2)) from account_invoice_line il
                  where il.invoice = i.id and il.type = 'line'), 0) as untaxed,
        coalesce((select sum(t.amount) from account_invoice_tax t where t.invoice = i.id), 0) as tax,
        coalesce((select sum(ml.debit - ml.credit) from account_move_line ml
                  where ml.move = i.move and ml.account = i.account), 0) as ledger
      from account_invoice i
    )
    select linked.sale, i.id, i.number, i.state, (a.untaxed * 100)::float8 as "untaxedMinor",
           (a.tax * 100)::float8 as "taxMinor", ((a.untaxed + a.tax) * 100)::float8 as "totalMinor",
           (a.ledger * 100)::float8 as "ledgerMinor"
    from linked join account_invoice i on i.id = linked.invoice join amounts a on a.id = i.id
    order by i.id`
}

/** Balances of Tryton's general ledger by account name, posted moves only, debit positive; their sum must be 0. */
export async function readTrytonLedger(databaseUrl: string): Promise<Map<string, number>> {
  return withDatabase(databaseUrl, async (sql) => {
    const rows = await sql<{ name: string; balanceMinor: number }[]>`
      select a.name, (sum(l.debit - l.credit) * 100)::float8 as "balanceMinor"
      from account_move_line l
      join account_move m on m.id = l.move and m.state = 'posted'
      join account_account a on a.id = l.account
      group by a.name order by a.name`
    return new Map(rows.map(({ name, balanceMinor }) => [name, balanceMinor]))
  })
}

export type VendureOrder = {
  id: number
  code: string
  state: string
  currency: string
  externalId: string | null
  /** What the order is worth now: 0 once it is cancelled. What was charged stands in `payments`. */
  totalWithTaxMinor: number
  lines: { sku: string; quantity: number; placedQuantity: number }[]
  payments: { id: number; amountMinor: number; state: string }[]
  refunds: { id: number; paymentId: number; amountMinor: number; state: string; reason: string | null }[]
  fulfillments: { id: number; state: string; trackingCode: string; sku: string; quantity: number }[]
}

/** Vendure's placed orders by code, read from its own tables. */
export async function readVendureOrders(databaseUrl: string): Promise<Map<string, VendureOrder>> {
  return withDatabase(databaseUrl, async (sql) => {
    type Of<Row> = Row & { orderId: number }
    const [orders, lines, payments, refunds, fulfillments] = await Promise.all([
      sql<Pick<VendureOrder, "id" | "code" | "state" | "currency" | "externalId" | "totalWithTaxMinor">[]>`
        select id, code, state, "currencyCode" as currency, "customFieldsExternalid" as "externalId",
               "subTotalWithTax" + "shippingWithTax" as "totalWithTaxMinor"
        from "order" where "orderPlacedAt" is not null order by id`,
      sql<Of<VendureOrder["lines"][number]>[]>`
        select l."orderId", v.sku, l.quantity, l."orderPlacedQuantity" as "placedQuantity"
        from order_line l join product_variant v on v.id = l."productVariantId" order by l.id`,
      sql<Of<VendureOrder["payments"][number]>[]>`
        select "orderId", id, amount as "amountMinor", state from payment order by id`,
      sql<Of<VendureOrder["refunds"][number]>[]>`
        select p."orderId", r.id, r."paymentId", r.total as "amountMinor", r.state, r.reason
        from refund r join payment p on p.id = r."paymentId" order by r.id`,
      sql<Of<VendureOrder["fulfillments"][number]>[]>`
        select l."orderId", f.id, f.state, f."trackingCode", v.sku, fl.quantity
        from order_line_reference fl
        join fulfillment f on f.id = fl."fulfillmentId"
        join order_line l on l.id = fl."orderLineId"
        join product_variant v on v.id = l."productVariantId" order by f.id, fl.id`,
    ])
    const own = <Row>(rows: Of<Row>[], orderId: number): Omit<Of<Row>, "orderId">[] =>
      rows.filter((row) => row.orderId === orderId).map(({ orderId: _orderId, ...row }) => row)
    const filled = orders.map((order) => ({
      ...order,
      lines: own(lines, order.id),
      payments: own(payments, order.id),
      refunds: own(refunds, order.id),
      fulfillments: own(fulfillments, order.id),
    }))
    return new Map(filled.map((order) => [order.code, order]))
  })
}

export type VendureStock = {
  onHand: number
  /** The level's own counter; it loses updates under concurrent orders (seen in 3.7.3). */
  allocatedByCounter: number
  /** The same from the append-only movements: allocations less what was released and sold. */
  allocatedByMovements: number
}

/** Vendure's stock by SKU, counter and movements side by side. */
export async function readVendureStock(databaseUrl: string): Promise<Map<string, VendureStock>> {
  return withDatabase(databaseUrl, async (sql) => {
    const rows = await sql<(VendureStock & { sku: string })[]>`
      select v.sku, sum(s."stockOnHand")::int as "onHand", sum(s."stockAllocated")::int as "allocatedByCounter",
             coalesce((select sum(case m.type when 'ALLOCATION' then m.quantity when 'RELEASE' then -m.quantity
                                              when 'SALE' then m.quantity else 0 end)
                       from stock_movement m where m."productVariantId" = v.id), 0)::int as "allocatedByMovements"
      from product_variant v join stock_level s on s."productVariantId" = v.id
      group by v.id order by v.sku`
    return new Map(rows.map(({ sku, ...stock }) => [sku, stock]))
  })
}

async function withDatabase<Answer>(url: string, read: (sql: postgres.Sql) => Promise<Answer>): Promise<Answer> {
  const sql = postgres(url, { max: 4, connect_timeout: 5, idle_timeout: 5 })
  try {
    return await read(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}
