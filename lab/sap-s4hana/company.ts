import type { KeptMap, Packing } from "../keep/kept.ts"
import type { SimulatorContext } from "../simulator.ts"
import type { Entity, SetDefinition } from "./odata/entities.ts"
import { EntitySet, withoutZeros } from "./odata/entities.ts"
import { fieldsOf } from "./fields.ts"

/** Master data of the system. Only this exists before the first order; references to anything else are refused. */
export type MasterData = {
  /** Material number → base unit and weight. */
  materials: ReadonlyMap<string, { unit: string }>
  customers: ReadonlySet<string>
  plants: readonly string[]
  salesOrganization: string
  distributionChannel: string
  division: string
  companyCode: string
  currency: string
  glAccounts: ReadonlySet<string>
  /** Tax code → the account its tax is posted to. Nobody posts to such an account directly. */
  taxCodes: ReadonlyMap<string, string>
  /** Order type → whether SAP bills what is ordered under it. */
  orderTypes: ReadonlyMap<string, { isBilled: boolean }>
  /** Condition types of a header that are not group conditions: their amount is copied to every item. */
  copiedConditions?: ReadonlySet<string>
  /** Posting dates before this are closed. `YYYY-MM-DD` */
  openFrom: string
}

/** A material number as the system keeps it: upper case, and without leading zeros where it is a number. */
export function materialNumber(text: string): string {
  return withoutZeros(text.toUpperCase())
}

const sales = "API_SALES_ORDER_SRV"
const delivery = "API_OUTBOUND_DELIVERY_SRV;v=0002"

// Entity sets, keys and ETags as in the vendor's OpenAPI documents (S/4HANA Cloud 2402+) and in metadata of real systems.
const definitions = {
  orders: {
    service: sales,
    name: "A_SalesOrder",
    keys: ["SalesOrder"],
    etag: "LastChangeDateTime",
    indexes: ["PurchaseOrderByCustomer", "SalesOrder", "SalesOrderType"],
    fields: fieldsOf.order,
  },
  items: {
    service: sales,
    name: "A_SalesOrderItem",
    keys: ["SalesOrder", "SalesOrderItem"],
    indexes: ["SalesOrder", "PurchaseOrderByCustomer"],
    fields: fieldsOf.orderItem,
  },
  headerPrices: {
    service: sales,
    name: "A_SalesOrderHeaderPrElement",
    keys: ["SalesOrder", "PricingProcedureStep", "PricingProcedureCounter"],
  },
  itemPrices: {
    service: sales,
    name: "A_SalesOrderItemPrElement",
    keys: ["SalesOrder", "SalesOrderItem", "PricingProcedureStep", "PricingProcedureCounter"],
  },
  partners: { service: sales, name: "A_SalesOrderHeaderPartner", keys: ["SalesOrder", "PartnerFunction"] },
  texts: { service: sales, name: "A_SalesOrderText", keys: ["SalesOrder", "Language", "LongTextID"] },
  subsequent: { service: sales, name: "A_SalesOrderSubsqntProcFlow", keys: ["SalesOrder", "DocRelationshipUUID"] },
  deliveries: {
    service: delivery,
    name: "A_OutbDeliveryHeader",
    keys: ["DeliveryDocument"],
    etag: "DeliveryVersion",
    indexes: ["DeliveryDocument"],
    fields: fieldsOf.delivery,
    unfilterable: ["DeliveryDocumentBySupplier", "BillOfLading", "MeansOfTransport"],
  },
  deliveryItems: {
    service: delivery,
    name: "A_OutbDeliveryItem",
    keys: ["DeliveryDocument", "DeliveryDocumentItem"],
    etag: "DeliveryVersion",
    indexes: ["ReferenceSDDocument", "DeliveryDocument"],
    fields: fieldsOf.deliveryItem,
  },
  journalItems: {
    service: "API_OPLACCTGDOCITEMCUBE_SRV",
    name: "A_OperationalAcctgDocItemCube",
    keys: ["CompanyCode", "FiscalYear", "AccountingDocument", "AccountingDocumentItem"],
    indexes: ["DocumentReferenceID", "AccountingDocument", "OriginalReferenceDocument"],
    fields: fieldsOf.journalItem,
  },
  // It has neither document number nor reference, so nothing that was posted can be found here.
  journalBalances: {
    service: "API_JOURNALENTRYITEMBASIC_SRV",
    name: "A_JournalEntryItemBasic",
    keys: ["ID"],
    fields: fieldsOf.journalBalance,
  },
  materialStock: {
    service: "API_MATERIAL_STOCK_SRV",
    name: "A_MaterialStock",
    keys: ["Material"],
    indexes: ["Material"],
  },
  stockRows: {
    service: "API_MATERIAL_STOCK_SRV",
    name: "A_MatlStkInAcctMod",
    keys: [
      "Material",
      "Plant",
      "StorageLocation",
      "InventoryStockType",
      "Batch",
      "InventorySpecialStockType",
      "SDDocument",
    ],
    indexes: ["Material", "Plant"],
  },
} as const satisfies Record<string, SetDefinition>

export type Sets = { readonly [Name in keyof typeof definitions]: EntitySet }

/** The whole system: master data, document tables, number ranges. */
export class Company {
  readonly master: MasterData
  readonly sets: Sets
  readonly #numbers: KeptMap<string, number>
  /** Every document with all that hangs from it; the tables of `sets` are made of these. */
  readonly #documents: KeptMap<string, Entity>
  readonly #materials: ReadonlyMap<string, { unit: string }>
  /** Posting dates before this are closed. The accountants move it: transaction OB52 for the ledger, MMPV for goods. */
  openFrom: string
  #lastMs = 0

  constructor(master: MasterData, { keep }: Pick<SimulatorContext, "keep">) {
    this.master = master
    this.openFrom = master.openFrom
    this.#materials = new Map([...master.materials].map(([name, material]) => [materialNumber(name), material]))
    const entries = Object.entries(definitions).map(([name, definition]) => [name, new EntitySet(definition)])
    // Object.fromEntries forgets the keys it was given.
    this.sets = Object.fromEntries(entries) as Sets
    this.#numbers = keep("numbers")
    this.#documents = keep("documents", packingOf(Object.values(this.sets)))
  }

  /** Marks a document as new or changed, also when only a part of it changed. Give the document: a header, a journal's line. */
  changed(document: Entity): void {
    this.#documents.set(documentKey(document), document)
  }

  removed(document: Entity): void {
    this.#documents.delete(documentKey(document))
  }

  /** The next number of a range; numbers are never given twice, not even after a failed posting. */
  nextNumber(range: string, first: number): string {
    const next = (this.#numbers.get(range) ?? first - 1) + 1
    this.#numbers.set(range, next)
    return String(next)
  }

  /** Rises with every call, so that two changes never share an ETag. */
  nextMs(): number {
    this.#lastMs = Math.max(this.#lastMs + 1, Date.now())
    return this.#lastMs
  }

  material(text: string): { unit: string } | undefined {
    return this.#materials.get(materialNumber(text))
  }

  hasCustomer(number: string): boolean {
    return this.master.customers.has(withoutZeros(number))
  }

  setNamed(service: string, name: string): EntitySet | undefined {
    return Object.values(this.sets).find(
      ({ definition }) => definition.name === name && definition.service.split(";")[0] === service.split(";")[0],
    )
  }

  clear(): void {
    this.#documents.clear()
    for (const set of Object.values(this.sets)) set.clear()
  }
}

function documentKey({ set, fields }: Entity): string {
  return `${set.definition.name}/${set.keyOf(fields)}`
}

type PackedEntity = Pick<Entity, "fields" | "version"> & { table: string; children: Record<string, PackedEntity[]> }

/** A document as plain data, and back into its tables. Rows that share a version share it afterwards, too. */
function packingOf(sets: readonly EntitySet[]): Packing<Entity> {
  const byName = new Map(sets.map((set) => [set.definition.name, set]))
  const pack = ({ set, fields, version, children }: Entity): PackedEntity => {
    const packed = Object.entries(children).map(([name, rows]) => [name, rows.map(pack)] as const)
    return { table: set.definition.name, fields, version, children: Object.fromEntries(packed) }
  }
  const unpack = ({ table, fields, version, children }: PackedEntity): Entity => {
    const set = byName.get(table)
    if (set === undefined) throw new Error(`the lab's state holds a row of ${table}, which is no table of this ERP`)
    const entity = set.add(fields, version)
    for (const [name, rows] of Object.entries(children)) entity.children[name] = rows.map(unpack)
    return entity
  }
  // Only what pack() made is unpacked.
  return { pack, unpack: (packed) => unpack(packed as PackedEntity) }
}

/** The documents of a set as plain rows, children inlined: the books a checker reads. */
export function bookRows(set: EntitySet): unknown[] {
  return Array.from(set.all(), bookRow)
}

function bookRow(entity: Entity): Record<string, unknown> {
  const children = Object.entries(entity.children).map(([name, rows]) => [name, rows.map(bookRow)])
  return { ...entity.fields, ...Object.fromEntries(children) }
}
