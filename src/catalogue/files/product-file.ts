import type { CsvFile, CsvProblem } from "../../base/csv/csv.ts"
import { changesMax, fieldProblems, type FieldChange } from "../../canonical/catalogue/field-change.ts"
import { gtin14 } from "../../canonical/catalogue/gtin.ts"
import { isProductField, productFields, type ProductFieldName } from "../../canonical/catalogue/product.ts"
import { parseScope, scopeText, type Scope } from "../../canonical/catalogue/scope.ts"
import { Sku } from "../../canonical/parts.ts"
import { validator } from "../../canonical/validate.ts"
import type { KeptProduct } from "../products.ts"
import type { ProductRow } from "../writes/product-writes.ts"
import { twice, usableLines, type ReadRows } from "./cells.ts"

interface Column {
  field: ProductFieldName
  scope: Scope
}

const headingText = /^(\w+)(?:\[([^\]]*)\])?$/
const clear = "(clear)"
const skuText = validator(Sku, "SKU")

/**
 * Reads the rows of a file of products. A column is a field, with its scope in brackets: `title`, `title[channel=shop-de&locale=de]`.
 * An empty cell leaves the field untouched, `(clear)` clears it. Texts and numbers stand there plainly, GTINs too; all else as JSON.
 */
export function readProductFile(file: CsvFile): ReadRows<ProductRow> {
  if (!file.isReadable) return { rows: [], problems: file.problems }
  const { line } = file.heading
  const columns = file.heading.cells.map((name): Column | "sku" | string =>
    /^sku$/i.test(name) ? "sku" : (columnOf(name) ?? name),
  )
  const wrongHeading = [
    ...(columns.includes("sku") ? [] : [{ line, column: "sku", message: "the column is missing" }]),
    ...columns.flatMap((column) =>
      typeof column === "string" && column !== "sku"
        ? [
            {
              line,
              column,
              message: `is no field; there are ${Object.keys(productFields).join(", ")}, with a scope as in title[locale=de]`,
            },
          ]
        : [],
    ),
    ...twice(
      columns.map((column) => (typeof column === "string" ? column : columnName(column.field, column.scope))),
    ).map((column) => ({ line, column, message: "stands there twice" })),
  ]
  const problems: CsvProblem[] = [...file.problems, ...wrongHeading]
  if (wrongHeading.length > 0) return { rows: [], problems }
  const rows: ReadRows<ProductRow>["rows"] = []
  for (const { line: at, cells } of usableLines(file)) {
    const sku = cells[columns.indexOf("sku")] ?? ""
    const found = skuText.problems(sku).map(({ message }): CsvProblem => ({ line: at, column: "sku", message }))
    const changes = columns.flatMap((column, n): FieldChange[] => {
      const cell = cells[n] ?? ""
      if (typeof column === "string" || cell === "") return []
      const change = changeOf(column, cell)
      const wrong = "wrong" in change ? [{ pointer: "", message: change.wrong }] : fieldProblems(change)
      found.push(
        ...wrong.map(({ message, pointer }) => ({
          line: at,
          column: file.heading.cells[n] ?? "",
          message: `${pointer.replace(/^\/set/, "")} ${message}`.trim(),
        })),
      )
      return "wrong" in change ? [] : [change]
    })
    if (changes.length > changesMax)
      found.push({ line: at, column: "", message: `fills more than ${changesMax} cells` })
    if (found.length === 0 && changes.length > 0) rows.push({ line: at, row: { sku, changes } })
    problems.push(...found)
  }
  return { rows, problems }
}

function columnOf(name: string): Column | undefined {
  const [, field = "", scope = ""] = headingText.exec(name) ?? []
  const known = Object.keys(productFields).find((one) => one.toLowerCase() === field.toLowerCase()) ?? ""
  return isProductField(known) ? { field: known, scope: parseScope(scope.replaceAll("&", ";")) } : undefined
}

function changeOf({ field, scope }: Column, cell: string): FieldChange | { wrong: string } {
  const where = Object.keys(scope).length === 0 ? { field } : { field, scope }
  if (cell === clear) return { ...where, clear: true }
  const schema: object = productFields[field].schema
  const type: unknown = Reflect.get(schema, "type")
  if (type === "integer")
    return /^-?\d+$/.test(cell) ? { ...where, set: Number(cell) } : { wrong: `"${cell}" is no whole number` }
  if (field === "gtins" && !cell.startsWith("[")) return gtinsOf(where, cell)
  if (type !== "object" && type !== "array") return { ...where, set: cell }
  try {
    return { ...where, set: JSON.parse(cell) as unknown }
  } catch {
    return { wrong: `${field} is written as JSON` }
  }
}

/** GTINs as people write them: of the base unit, with or without leading zeros. */
function gtinsOf(where: { field: ProductFieldName }, cell: string): FieldChange | { wrong: string } {
  const gtins = cell.split(/[ |]+/).map((one) => ({ one, gtin: gtin14(one) }))
  const bad = gtins.find(({ gtin }) => gtin === undefined)
  if (bad)
    return { wrong: `"${bad.one}" is no GTIN: it has another length, a wrong check digit, or a spreadsheet rounded it` }
  return { ...where, set: gtins.map(({ gtin }) => ({ gtin, unit: "ea" })) }
}

/** Products as lines of a file, with the columns that they fill; read again they are the same. */
export function productLines(products: readonly KeptProduct[], columns: readonly string[]): string[][] {
  return products.map(({ sku, values }) => {
    const cells = new Map(
      values
        .filter(({ layer }) => layer === "owned")
        .map(({ field, scope, value }) => [columnName(field, scope), value === undefined ? clear : cellText(value)]),
    )
    return [sku, ...columns.map((column) => cells.get(column) ?? "")]
  })
}

/** The name of a column. */
export function columnName(field: string, scope: Scope): string {
  // No sign that parts cells: the heading says which one does.
  const text = scopeText(scope).replaceAll(";", "&")
  return text === "" ? field : `${field}[${text}]`
}

const cellText = (value: unknown) =>
  typeof value === "string" || typeof value === "number" ? String(value) : JSON.stringify(value)
