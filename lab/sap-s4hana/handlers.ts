import type { Company } from "./company.ts"
import { deliveryHandlers } from "./deliveries.ts"
import type { Entity, EntitySet } from "./odata/entities.ts"
import { render } from "./odata/entities.ts"
import { notFound, ODataError } from "./odata/error.ts"
import type { Fields } from "./odata/filter.ts"
import type { ODataRequest } from "./odata/request.ts"
import { bodyOf } from "./odata/request.ts"
import { changeItem, prepareItem, prepareSalesOrder, stamp } from "./sales/sales-orders.ts"
import type { Answer, Exchange, Handler } from "./exchange.ts"
import { checkEtag, checkFields, etagHeader, namedKey } from "./exchange.ts"
import { updatable } from "./fields.ts"

const writes: Record<string, Handler> = {
  "POST A_SalesOrder": { operation: "createSalesOrder", run: createSalesOrder },
  "POST A_SalesOrder/to_Item": { operation: "updateSalesOrder", run: addSalesOrderItem },
  "PATCH A_SalesOrder": { operation: "updateSalesOrder", run: changeSalesOrder },
  "DELETE A_SalesOrder": { operation: "deleteSalesOrder", run: deleteSalesOrder },
  "PATCH A_SalesOrderItem": { operation: "updateSalesOrder", run: changeSalesOrderItem },
  ...deliveryHandlers,
}

/** Finds the handler of a request: for a write by method and resource, for a read by the entity set's name. */
export function createHandlers(): (company: Company, odata: ODataRequest) => Handler | undefined {
  return (company, odata) => {
    if (odata.resource === "" || odata.resource === "$metadata") return { operation: "fetchToken", run: serviceRoot }
    const below = odata.navigation === undefined ? "" : `/${odata.navigation}`
    if (odata.method !== "GET") return writes[`${odata.method} ${odata.resource}${below}`]
    const set = company.setNamed(odata.service, odata.resource)
    if (set === undefined) return undefined
    return { operation: `read${readName(odata.resource)}`, run: (exchange) => read(exchange, set) }
  }
}

function readName(resource: string): string {
  if (resource.startsWith("A_SalesOrder")) return "SalesOrder"
  if (resource.startsWith("A_OutbDelivery")) return "Delivery"
  return resource.startsWith("A_Journal") ? "Journal" : "Stock"
}

/** The service document; connectors ask for it to get their CSRF token. */
function serviceRoot({ company, odata }: Exchange): Answer {
  const names = Object.values(company.sets)
    .filter(({ definition }) => definition.service.split(";")[0] === odata.service.split(";")[0])
    .map(({ definition }) => definition.name)
  return { status: 200, body: { d: { EntitySets: names } } }
}

function read({ odata }: Exchange, set: EntitySet): Answer {
  if (odata.key === undefined) return readMany(odata, set)
  const entity = set.get(namedKey(set, odata.key))
  if (odata.navigation !== undefined) {
    const rows = entity.children[odata.navigation]
    if (rows === undefined) throw notFound(odata.navigation)
    return { status: 200, body: { d: { results: rows.map((row) => render(row, odata.shape)) } } }
  }
  return { status: 200, headers: etagHeader(entity), body: { d: render(entity, odata.shape) } }
}

/** A name in `$filter` or `$select` that the entity does not have, or that no filter may have. */
function checkNames(odata: ODataRequest, { definition }: EntitySet): void {
  const { fields, unfilterable = [] } = definition
  const filtered = odata.filter?.names ?? []
  const selected = odata.shape.select.map((name) => name.split("/")[0] ?? "").filter((name) => !name.startsWith("to_"))
  const unknown = [...filtered, ...selected].find((name) => fields !== undefined && !fields.includes(name))
  if (unknown !== undefined)
    throw new ODataError(
      400,
      "005056A509B11EE1B9A8FEC11C21578E",
      `Property ${unknown} not found in type ${definition.name}Type`,
    )
  const barred = filtered.find((name) => unfilterable.includes(name))
  if (barred !== undefined)
    throw new ODataError(
      400,
      "/IWBEP/CM_MGW_EXPR_OSQL/011",
      `Property ${barred} of ${definition.name} is not filterable`,
    )
}

function readMany(odata: ODataRequest, set: EntitySet): Answer {
  checkNames(odata, set)
  const results: Fields[] = []
  const order =
    odata.query
      .get("$orderby")
      ?.split(",")
      .map((name) => name.trim().split(" ")[0] ?? "") ?? []
  const wantsCount = odata.query.get("$inlinecount") === "allpages"
  let seen = 0
  for (const entity of inOrder(set.query(odata.filter), order)) {
    seen += 1
    if (seen > odata.skip && results.length < odata.top) results.push(render(entity, odata.shape))
    else if (results.length >= odata.top && !wantsCount) break
  }
  return { status: 200, body: { d: wantsCount ? { __count: String(seen), results } : { results } } }
}

/** OData Version 2.0, URI Conventions 4.2: by these fields, the smallest first; without them in the order of the table. */
function inOrder(entities: Iterable<Entity>, order: readonly string[]): Iterable<Entity> {
  if (order.length === 0) return entities
  const textOf = ({ fields }: Entity) => order.map((name) => String(fields[name] ?? "")).join("\u0000")
  return [...entities].sort((one, other) => (textOf(one) < textOf(other) ? -1 : 1))
}

function createSalesOrder({ company, odata, request, call }: Exchange): Answer {
  const body = bodyOf(request)
  const order = call.commit(prepareSalesOrder(company, body))
  // The response to a deep insert contains everything that was inserted.
  const expand = Object.keys(body).flatMap((name) =>
    name === "to_Item" ? [name, "to_Item/to_PricingElement"] : name.startsWith("to_") ? [name] : [],
  )
  const rendered = render(order, { ...odata.shape, expand, select: [] })
  // render() always writes __metadata with a uri.
  const { uri } = rendered["__metadata"] as { uri: string }
  return { status: 201, headers: { location: uri, ...etagHeader(order) }, body: { d: rendered } }
}

/** `POST A_SalesOrder('1')/to_Item`: adds an item. */
function addSalesOrderItem({ company, odata, request, call }: Exchange): Answer {
  const order = company.sets.orders.get(namedKey(company.sets.orders, odata.key))
  const item = call.commit(prepareItem(company, order, bodyOf(request)))
  const rendered = render(item, { ...odata.shape, expand: ["to_PricingElement"], select: [] })
  return { status: 201, headers: etagHeader(item), body: { d: rendered } }
}

function changeSalesOrder({ company, odata, request, call }: Exchange): Answer {
  const order = company.sets.orders.get(namedKey(company.sets.orders, odata.key))
  checkEtag(request.headers["if-match"], order)
  const change = bodyOf(request)
  checkFields(change, { taken: updatable.order, what: "a sales order is not changed in it" })
  call.commit(() => {
    for (const field of updatable.order) {
      if (change[field] !== undefined) order.fields[field] = change[field]
    }
    stamp(company, order)
  })
  return { status: 204 }
}

function changeSalesOrderItem({ company, odata, request, call }: Exchange): Answer {
  const item = company.sets.items.get(namedKey(company.sets.items, odata.key))
  // An item has no ETag of its own: the order's stands for it.
  checkEtag(request.headers["if-match"], company.sets.orders.get({ SalesOrder: item.fields["SalesOrder"] }))
  const change = bodyOf(request)
  checkFields(change, { taken: updatable.orderItem, what: "an item is not changed in it" })
  call.transition(() => changeItem(company, item, change))
  return { status: 204 }
}

function deleteSalesOrder({ company, odata, request, call }: Exchange): Answer {
  const { sets } = company
  const order = sets.orders.get(namedKey(sets.orders, odata.key))
  checkEtag(request.headers["if-match"], order)
  if ((order.children["to_SubsequentProcFlowDoc"] ?? []).length > 0) {
    throw new ODataError(
      400,
      "V1/041",
      `Sales document ${String(order.fields["SalesOrder"])} cannot be deleted: subsequent documents exist`,
    )
  }
  call.commit(() => {
    for (const item of order.children["to_Item"] ?? []) sets.items.delete(item)
    sets.orders.delete(order)
    company.removed(order)
  })
  return { status: 204 }
}
