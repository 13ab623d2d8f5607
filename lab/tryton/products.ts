import type { SimulatorContext } from "../simulator.ts"
import type { Row } from "./search.ts"
import { datetime } from "./stock.ts"

// Products, their templates and what they are priced by, of Tryton 6.0, as `real.md` describes them.

export type Decimal = { __class__: "Decimal"; decimal: string }
export const decimal = (text: string): Decimal => ({ __class__: "Decimal", decimal: text })

/** Units of measure by id: pieces, kilograms, grams, dozens, grosses. `rate` is the inverse of `factor`, both with twelve digits. */
export const trytonUnits = { unit: 1, kilogram: 2, gram: 3, dozen: 4, gross: 5 } as const
const units = new Map(
  (
    [
      [1, "Unit", 1, 1],
      [2, "Kilogram", 1, 1],
      [3, "Gram", 0.001, 1000],
      [4, "Dozen", 12, 0.083333333333],
      [5, "Gross", 144, 0.006944444444],
    ] as const
  ).map(([id, name, factor, rate]): [number, Row] => [
    id,
    { id, name, factor, rate, category: id === 2 || id === 3 ? 2 : 1 },
  ]),
)

const ownFields = ["code", "suffix_code", "active", "description", "identifiers", "cost_prices"]
const templateFields = [
  "name",
  "type",
  "default_uom",
  "sale_uom",
  "salable",
  "list_price",
  "categories",
  "account_category",
]

/** What staff change of a product; fields of the template are the template's. */
export type StaffChange = {
  code: string
  set: Record<string, unknown>
  /** Writes the list price to its own record, and touches no other, as a script may. */
  direct?: boolean
  /** How long the transaction takes after the time that it stands under. */
  lateMs?: number
}

/** Each record in a table of its own model. */
export class Products {
  readonly templates: Map<number, Row>
  readonly variants: Map<number, Row>
  readonly listPrices: Map<number, Row>
  readonly costPrices: Map<number, Row>
  readonly identifiers: Map<number, Row>
  readonly translations: Map<number, Row>
  readonly categories: Map<number, Row>
  readonly priceLists: Map<number, Row>
  readonly lines: Map<number, Row>
  readonly units = units
  #late: { visibleAtMs: number; apply: () => void }[] = []

  constructor({ keep }: Pick<SimulatorContext, "keep">) {
    const table = (name: string) => keep<number, Row>(name)
    this.templates = table("product.template")
    this.variants = table("product.product")
    this.listPrices = table("product.list_price")
    this.costPrices = table("product.cost_price")
    this.identifiers = table("product.identifier")
    this.translations = table("ir.translation")
    this.categories = table("product.category")
    this.priceLists = table("product.price_list")
    this.lines = table("product.price_list.line")
  }

  /** The product with a code; made where nobody has made it. */
  product(code: string): number | undefined {
    if (code.startsWith("NO-SUCH")) return undefined
    const known = [...this.variants.values()].find((row) => row["code"] === code)
    return Number((known ?? this.#make(code))["id"])
  }

  codeOf(id: number): string {
    return String(this.variants.get(id)?.["code"] ?? "")
  }

  /** Products as they are read: fields of the template are functions of the variant. */
  rows(language: string): Row[] {
    this.settle()
    return [...this.variants.values()].map((row) => this.view(row, language))
  }

  view(row: Row, language: string): Row {
    const template = this.templates.get(Number(row["template"])) ?? {}
    const shared = Object.fromEntries(templateFields.map((field) => [field, template[field]]))
    return {
      ...row,
      ...shared,
      name: this.#text({ name: "product.template,name", id: template["id"], language }) ?? template["name"],
      description: this.#text({ name: "product.product,description", id: row["id"], language }) ?? row["description"],
    }
  }

  /** Applies what transactions have committed by now. */
  settle(): void {
    const due = this.#late.filter(({ visibleAtMs }) => visibleAtMs <= Date.now())
    this.#late = this.#late.filter((one) => !due.includes(one))
    for (const { apply } of due) apply()
  }

  change({ code, set, direct = false, lateMs = 0 }: StaffChange): Row {
    this.settle()
    const id = this.product(code)
    const at = datetime(Date.now())
    const apply = () => this.#apply(Number(id), set, { at, direct })
    if (lateMs > 0) this.#late.push({ visibleAtMs: Date.now() + lateMs, apply })
    else apply()
    return { id }
  }

  #apply(id: number, set: Record<string, unknown>, { at, direct }: { at: object; direct: boolean }): void {
    const row = this.variants.get(id)
    const template = this.templates.get(Number(row?.["template"]))
    if (!row || !template) return
    const { list_price: price, cost_price: cost, identifiers, translations, ...fields } = set
    if (price !== undefined)
      this.#setPrice(this.listPrices, { owner: template, field: "list_price", text: String(price), at })
    if (price !== undefined) template["list_price"] = decimal(String(price))
    if (cost !== undefined) this.#setPrice(this.costPrices, { owner: row, field: "cost_price", text: String(cost), at })
    if (Array.isArray(identifiers)) {
      row["identifiers"] = (identifiers as Row[]).map(
        (one) => this.#add(this.identifiers, { ...one, product: id }, at)["id"],
      )
      row["write_date"] = at
    }
    for (const [lang, texts] of Object.entries((translations ?? {}) as Record<string, Row>))
      for (const [field, value] of Object.entries(texts)) this.#translate({ row, template, lang, field, value, at })
    for (const [field, value] of Object.entries(fields)) {
      const owner = ownFields.includes(field) ? row : template
      owner[field === "template_active" ? "active" : field] = value
      owner["write_date"] = at
    }
    if ("suffix_code" in fields) row["code"] = fields["suffix_code"] === "" ? null : fields["suffix_code"]
    if ((price !== undefined && !direct) || translations !== undefined) template["write_date"] = at
  }

  #translate(of: { row: Row; template: Row; lang: string; field: string; value: unknown; at: object }): void {
    const { row, template, lang, field, value, at } = of
    const name = field === "name" ? "product.template,name" : "product.product,description"
    const id = field === "name" ? template["id"] : row["id"]
    const known = [...this.translations.values()].find(
      (one) => one["lang"] === lang && one["name"] === name && one["res_id"] === id,
    )
    if (known) Object.assign(known, { value, write_date: at })
    else this.#add(this.translations, { lang, name, res_id: id, type: "model", fuzzy: false, value }, at)
  }

  #setPrice(table: Map<number, Row>, of: { owner: Row; field: string; text: string; at: object }): void {
    const { owner, field, text, at } = of
    const [id] = owner[`${field}s`] as number[]
    const known = table.get(Number(id))
    if (known) Object.assign(known, { [field]: decimal(text), write_date: at })
    else owner[`${field}s`] = [this.#add(table, { [field]: decimal(text) }, at)["id"]]
  }

  /** What staff set up of a price list, its lines, or a category. */
  put(table: Map<number, Row>, row: Row): Row {
    const at = datetime(Date.now())
    const known = table.get(Number(row["id"]))
    if (known) return Object.assign(known, row, { write_date: at })
    return this.#add(table, row, at)
  }

  #make(code: string): Row {
    const at = datetime(Date.now())
    const type = code.startsWith("SERVICE") ? "service" : "goods"
    const uom = code.startsWith("KG") ? trytonUnits.kilogram : trytonUnits.unit
    const template = this.#add(
      this.templates,
      {
        name: `Product ${code}`,
        code: null,
        type,
        default_uom: uom,
        sale_uom: uom,
        salable: true,
        active: true,
        list_price: decimal("10"),
        list_prices: [],
        categories: [],
        account_category: null,
      },
      at,
    )
    this.#setPrice(this.listPrices, { owner: template, field: "list_price", text: "10", at })
    const row = {
      template: template["id"],
      suffix_code: code,
      code,
      active: true,
      description: null,
      identifiers: [],
      cost_prices: [],
    }
    // The code is written once the record is there: of a new product only its template has no `write_date` (seen).
    return Object.assign(this.#add(this.variants, row, at), { write_date: at })
  }

  #add(table: Map<number, Row>, row: Row, at: object): Row {
    const id = Number(row["id"] ?? 1 + Math.max(99, ...table.keys()))
    const made = { ...row, id, create_date: at, write_date: null }
    table.set(id, made)
    return made
  }

  #text({ name, id, language }: { name: string; id: unknown; language: string }): unknown {
    const row = [...this.translations.values()].find(
      (one) => one["name"] === name && one["res_id"] === id && one["lang"] === language && one["fuzzy"] === false,
    )
    return row?.["value"] === "" ? undefined : row?.["value"]
  }

  clear(): void {
    this.#late = []
    for (const table of [this.templates, this.variants, this.listPrices, this.costPrices, this.identifiers])
      table.clear()
    for (const table of [this.translations, this.categories, this.priceLists, this.lines]) table.clear()
  }
}
