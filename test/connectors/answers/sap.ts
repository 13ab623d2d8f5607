import { readFileSync } from "node:fs"
import type { Exchange } from "./recorder.ts"
import { objectOf, type AnswerField, type VendorSchema } from "./walk.ts"

type Properties = Record<string, { nullable?: boolean }>
interface Document {
  components: { schemas: Record<string, { properties?: Properties }> }
  paths: Record<string, Record<string, { parameters?: unknown[] }>>
}

const files: Record<string, string> = {
  API_SALES_ORDER_SRV: "API_SALES_ORDER_SRV.json",
  API_OUTBOUND_DELIVERY_SRV: "API_OUTBOUND_DELIVERY_SRV_0002.json",
}

/** SAP's OpenAPI documents: what may be null, created, changed, filtered by, selected and expanded. */
export function sapSchema(folder: string): VendorSchema {
  const read = (file: string) => JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as Document
  const documents = new Map(Object.entries(files).map(([service, file]) => [service, read(file)]))
  return {
    fieldsOf: ({ answer }) => {
      const found: AnswerField[] = []
      visit(answer, documents, found)
      return found
    },
    problemsOf: (exchange) => problemsOf(exchange, documents),
  }
}

function visit(value: unknown, documents: ReadonlyMap<string, Document>, found: AnswerField[]): void {
  if (Array.isArray(value)) return value.forEach((item) => visit(item, documents, found))
  const row = objectOf(value)
  if (row === undefined) return
  const [service = "", type = ""] = String(objectOf(row["__metadata"])?.["type"] ?? "").split(".")
  const component = type.replace(/Type$/, "")
  const properties = documents.get(service)?.components.schemas[component]?.properties
  for (const [field, inner] of Object.entries(row)) {
    if (field === "__metadata") continue
    visit(inner, documents, found)
    if (type === "" || field.startsWith("to_")) continue
    const property = properties?.[field]
    const says = property === undefined ? "unknown" : property.nullable === true ? "nullable" : "guaranteed"
    found.push({ type: `${service}.${component}`, field, says, holder: row })
  }
}

function problemsOf({ method, path, headers, body }: Exchange, documents: ReadonlyMap<string, Document>): string[] {
  const [, service = "", rest = ""] = /^\/sap\/opu\/odata\/sap\/([^/;?]+)[^/?]*\/?(.*)$/.exec(path) ?? []
  if (service === "") return [`not checked: ${path.split("?")[0]}: it is SOAP, and its WSDL is not here`]
  const document = documents.get(service)
  if (document === undefined) return [`not checked: requests to ${service}: its schema is not here`]
  const [resource = "", query = ""] = rest.split("?")
  const entity = resource.split("(")[0] ?? ""
  if (entity === "") return []
  const where = `${method} ${service}/${entity}`
  if (method === "GET") return readProblems(document, entity, { where, query })
  const isFunction = (document.paths[`/${entity}`]?.["post"]?.parameters ?? []).length > 0
  if (method === "POST" && !isFunction) {
    const created = resource.split("/")[1] === "to_Item" ? "A_SalesOrderItem" : entity
    const note = "not checked: sap:creatable: systems create with fewer fields than the OpenAPI documents list"
    return [note, ...bodyProblems(document, `Create${created}`, { where, body })]
  }
  return [
    "not checked: which requests need If-Match: the OpenAPI documents do not say it",
    ...(headers["if-match"] === undefined ? [`${where} has no If-Match`] : []),
    ...(method === "PATCH" ? bodyProblems(document, `Update${entity}`, { where, body }) : []),
  ]
}

function readProblems(document: Document, entity: string, given: { where: string; query: string }): string[] {
  const { where, query } = given
  const properties = document.components.schemas[entity]?.properties
  if (properties === undefined) return [`${where}: no such entity`]
  const parameters = new URLSearchParams(query)
  const words = (name: string, pattern: RegExp) =>
    Array.from((parameters.get(name) ?? "").matchAll(pattern), ([, word = ""]) => word)
  const named = [
    ...words("$filter", /(\w+) (?:eq|ne|gt|ge|lt|le) /g),
    ...words("$select", /(\w+)/g),
    ...words("$expand", /(\w+)/g),
  ]
  return [
    "not checked: sap:filterable: the OpenAPI documents do not say it",
    ...named.filter((name) => properties[name] === undefined).map((name) => `${where} asks for ${name}`),
  ]
}

function bodyProblems(document: Document, component: string, given: { where: string; body: unknown }): string[] {
  const { where, body } = given
  const properties = document.components.schemas[component]?.properties
  if (properties === undefined) return [`${where}: no such entity is written`]
  return Object.entries(objectOf(body) ?? {}).flatMap(([name, value]) => {
    const property = properties[name]
    if (property === undefined) return [`${where} sends ${component}.${name}`]
    const below = /components\/schemas\/(\w+)/.exec(JSON.stringify(property))?.[1]
    const rows = objectOf(value)?.["results"]
    if (below === undefined || !Array.isArray(rows)) return []
    return rows.flatMap((row: unknown) => bodyProblems(document, below, { where, body: row }))
  })
}
