import assert from "node:assert/strict"
import { createHmac, randomBytes } from "node:crypto"
import { createServer } from "node:http"
import { readTrytonLedger, readTrytonSales, readVendureOrders, readVendureStock } from "./books.ts"
import { isSkip, waitUntil } from "./machine/processes.ts"
import { scratchFolder } from "./machine/scratch.ts"
import { ShopBuyer } from "./vendure/shop-buyer.ts"
import { date, decimal, openTrytonClient } from "./tryton/tryton-client.ts"
import { prepareTryton, type TrytonServer } from "./tryton/tryton.ts"
import { tryPublishing } from "./vendure/publish-smoke.ts"
import { prepareVendure, type VendureInstall } from "./vendure/vendure.ts"

// Proves that both real systems install, start, do business and stop here. Leaves 0 also when it had to skip.
const REFERENCE = "SMOKE-1"

type Delivery = { id: string; timestamp: string; signature: string; body: string }

/** A loopback receiver that keeps what was posted, byte for byte. */
async function listenForWebhooks(): Promise<{ url: string; received: Delivery[]; close: () => void }> {
  const received: Delivery[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const header = (name: string): string => String(request.headers[name] ?? "")
      const body = Buffer.concat(chunks).toString("utf8")
      const signature = header("webhook-signature")
      received.push({ id: header("webhook-id"), timestamp: header("webhook-timestamp"), signature, body })
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  assert(address !== null && typeof address === "object")
  return {
    url: `http://127.0.0.1:${address.port}/orders`,
    received,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function tryShop(install: VendureInstall): Promise<void> {
  const hook = await listenForWebhooks()
  const key = randomBytes(24)
  const secret = `whsec_${key.toString("base64")}`
  const shop = await install.start({ stockOnHand: 50, webhook: { url: hook.url, secret } })
  try {
    const buyer = new ShopBuyer(shop)
    const buy = (number: number): ReturnType<ShopBuyer["buy"]> =>
      buyer.buy({ basket: [{ sku: "SKU-000", quantity: number }], emailAddress: `buyer-${number}@example.com` })
    const bought = await Promise.all([1, 2, 3, 4, 5].map(buy))
    for (const each of bought) assert.equal(each.outcome, "placed", JSON.stringify(each))
    const orders = await readVendureOrders(shop.databaseUrl)
    assert.equal(orders.size, 5)
    for (const order of orders.values()) {
      assert.equal(order.state, "PaymentSettled")
      assert.equal(order.payments[0]?.amountMinor, order.totalWithTaxMinor)
    }
    const placed = (): Delivery[] => hook.received.filter(({ body }) => body.includes('"order.placed"'))
    await waitUntil("five webhooks arrived", 20_000, async () => placed().length >= 5)
    for (const { id, timestamp, signature, body } of placed()) {
      assert.equal(signature, `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`)
    }
    console.log("Vendure: 5 orders placed at once, paid, announced by 5 signed webhooks, read back")
    console.log("Vendure: stock of SKU-000", JSON.stringify((await readVendureStock(shop.databaseUrl)).get("SKU-000")))
    await tryPublishing(shop)
  } finally {
    await shop.stop()
    hook.close()
  }
}

async function tryBooks(server: TrytonServer): Promise<void> {
  const { books } = server
  const client = await openTrytonClient(server)
  const [customer] = books.customers
  assert(customer !== undefined)
  const today = date(new Date().toISOString().slice(0, 10))
  const line = { type: "line", unit: books.unitId, description: "smoke" }
  const [sale] = await client.call<number[]>("model.sale.sale.create", [
    {
      reference: REFERENCE,
      party: customer.party,
      invoice_address: customer.address,
      shipment_address: customer.address,
      warehouse: books.warehouseId,
      payment_term: books.paymentTermId,
      invoice_method: "order",
      shipment_method: "order",
      sale_date: today,
      lines: [
        [
          "create",
          [
            { ...line, product: books.products["SKU-000"], quantity: 3, unit_price: decimal("9.99") },
            { ...line, product: books.products["SHIPPING"], quantity: 1, unit_price: decimal("5.00") },
          ],
        ],
      ],
    },
  ])
  await client.call("model.sale.sale.quote", [sale])
  await client.call("model.sale.sale.confirm", [sale])
  type Made = { state: string; shipments: number[]; invoices: number[] }
  const [made] = await client.call<Made[]>("model.sale.sale.read", [sale], ["state", "shipments", "invoices"])
  assert.equal(made?.state, "processing")
  assert.equal(await client.call("model.stock.shipment.out.assign_try", made.shipments), true)
  for (const step of ["pick", "pack", "done"]) await client.call(`model.stock.shipment.out.${step}`, made.shipments)
  // The tax as charged, on the invoice by hand: Tryton computes none of its own on it.
  const charged = { description: "Sales tax", account: books.accounts.tax, manual: true }
  const taxes = [["create", [{ ...charged, base: decimal("34.97"), amount: decimal("6.99") }]]]
  await client.call("model.account.invoice.write", made.invoices, { invoice_date: today, reference: REFERENCE, taxes })
  await client.call("model.account.invoice.post", made.invoices)
}

async function checkBooks(server: TrytonServer): Promise<void> {
  const sales = (await readTrytonSales(server.databaseUrl)).get(REFERENCE) ?? []
  assert.equal(sales.length, 1)
  const [sale] = sales
  assert.equal(sale?.shipmentState, "sent")
  assert.equal(sale.untaxedMinor, 3_497)
  assert.deepEqual(
    sale.shipments.map(({ state, moves }) => ({ state, moves })),
    [{ state: "done", moves: [{ sku: "SKU-000", quantity: 3, state: "done" }] }],
  )
  const [invoice] = sale.invoices
  assert.deepEqual([invoice?.state, invoice?.totalMinor, invoice?.ledgerMinor], ["posted", 4_196, 4_196])
  const ledger = await readTrytonLedger(server.databaseUrl)
  assert.equal(
    [...ledger.values()].reduce((sum, balance) => sum + balance, 0),
    0,
  )
  console.log("Tryton: one sale booked, shipped, invoiced with the charged tax, read back; the ledger balances")
}

async function main(): Promise<void> {
  const scratch = scratchFolder()
  console.log(`installing below ${scratch}; the first time takes a few minutes`)
  const vendure = await prepareVendure(scratch)
  if (isSkip(vendure)) return void console.log(`skipped: ${vendure.skipped}`)
  try {
    await tryShop(vendure)
    const tryton = await prepareTryton(scratch)
    if (isSkip(tryton)) return void console.log(`skipped: ${tryton.skipped}`)
    try {
      const server = await tryton.start()
      try {
        await tryBooks(server)
        await server.crash()
        await server.restart()
        await checkBooks(server)
      } finally {
        await server.stop()
      }
    } finally {
      await tryton.close()
    }
  } finally {
    await vendure.close()
  }
}

await main()
