import { expect, test } from "vitest"
import { paths } from "./paths.ts"

test("every address of the console is this one", () => {
  const id = "ord_at044047rr86r8tz:parcel-came-back-x_62htp1z16crr"
  expect({
    today: paths.today(),
    exceptions: paths.exceptions(),
    "exceptions of an owner": paths.exceptions({ owner: "customer service", kind: undefined, state: "" }),
    "a group of exceptions": paths.group("grp_00c0ffee00c0ffee"),
    "cases of an order": paths.cases({ state: "all", order: "ord_1" }),
    exception: paths.exception(id),
    orders: paths.orders({ state: "on hold" }),
    order: paths.order("ord_1"),
    "an order's way": paths.order("ord_1", "way"),
    "an order's money": paths.order("ord_1", "money"),
    "an order by its ref": paths.object("order/ord_1"),
    "the delivery of an order": paths.object("delivery/ord_1"),
    "another object": paths.object("sale/117/3/A 0001"),
    stock: paths.stock({ sku: "TEE/M #1" }),
    books: paths.books({ hours: "168" }),
    connections: paths.connections(),
    connection: paths.connection("erp eu"),
    flows: paths.flows({ connection: "sap", outcome: "unknown" }),
    operations: paths.operations(),
    operation: paths.operation("op_1"),
    find: paths.find("#1001"),
    admin: paths.admin(),
    consumer: paths.consumer("pos"),
    "sign in": paths.signIn(paths.exceptions({ owner: "finance" })),
  }).toMatchInlineSnapshot(`
    {
      "a group of exceptions": "/groups/grp_00c0ffee00c0ffee",
      "admin": "/admin",
      "an order by its ref": "/orders/ord_1",
      "an order's money": "/orders/ord_1?tab=money",
      "an order's way": "/orders/ord_1",
      "another object": "/objects/sale%2F117%2F3%2FA%200001",
      "books": "/books?hours=168",
      "cases of an order": "/cases?state=all&order=ord_1",
      "connection": "/connections/erp%20eu",
      "connections": "/connections",
      "consumer": "/admin/consumers/pos",
      "exception": "/exceptions/ord_at044047rr86r8tz%3Aparcel-came-back-x_62htp1z16crr",
      "exceptions": "/exceptions",
      "exceptions of an owner": "/exceptions?owner=customer+service",
      "find": "/find?q=%231001",
      "flows": "/flows?connection=sap&outcome=unknown",
      "operation": "/operations/op_1",
      "operations": "/operations",
      "order": "/orders/ord_1",
      "orders": "/orders?state=on+hold",
      "sign in": "/sign-in?next=%2Fexceptions%3Fowner%3Dfinance",
      "stock": "/stock?sku=TEE%2FM+%231",
      "the delivery of an order": "/orders/ord_1",
      "today": "/",
    }
  `)
})
