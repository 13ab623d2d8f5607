import { readFileSync } from "node:fs"
import type { Exchange } from "./recorder.ts"
import { objectOf, type AnswerField, type VendorSchema } from "./walk.ts"

interface Property {
  nullable?: boolean
  properties?: Record<string, unknown>
}
interface Document {
  components: { schemas: Record<string, { properties?: Record<string, Property> }> }
  paths: Record<string, Record<string, { parameters?: { name?: string }[] }>>
}

const files: Record<string, string> = {
  API_SALES_ORDER_SRV: "API_SALES_ORDER_SRV.json",
  API_OUTBOUND_DELIVERY_SRV: "API_OUTBOUND_DELIVERY_SRV_0002.json",
}

/** SAP's OpenAPI documents: what may be null, created, changed, filtered by, selected and expanded. */
export function sapSchema(folder: string): VendorSchema {
  const documents = new Map(
    Object.entries(files).map(([service, file]) => [
      service,
      JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as Document,
    ]),
  )
  const propertiesOf = (service: string, component: string) =>
    documents.get(service)?.components.schemas[component]?.properties

  function fieldsOf({ answer }: Exchange): AnswerField[] {
    const found: AnswerField[] = []
    const visit = (value: unknown): void => {
      if (Array.isArray(value)) return value.forEach(visit)
      const row = objectOf(value)
      if (row === undefined) return
      const [service = "", type = ""] = String(objectOf(row["__metadata"])?.["type"] ?? "").split(".")
      const component = type.replace(/Type$/, "")
      const properties = propertiesOf(service, component)
      for (const [field, inner] of Object.entries(row)) {
        if (field === "__metadata") continue
        visit(inner)
        if (type === "" || field.startsWith("to_")) continue
        const property = properties?.[field]
        const says = property === undefined ? "unknown" : property.nullable === true ? "nullable" : "guaranteed"
        found.push({ type: `${service}.${component}`, field, says, holder: row })
      }
    }
    visit(answer)
    return found
  }

  function problemsOf({ method, path, headers, body }: Exchange): string[] {
    const [, service = "", rest = ""] = /^\/sap\/opu\/odata\/sap\/([^/;?]+)[^/?]*\/?(.*)$/.exec(path) ?? []
    if (service === "") return [`not checked: ${path.split("?")[0]}: it is SOAP, and its WSDL is not here`]
    if (!documents.has(service)) return [`not checked: requests to ${service}: its schema is not here`]
    const [resource = "", query = ""] = rest.split("?")
    const entity = resource.split("(")[0] ?? ""
    const where = `${method} ${service}/${entity}`
    if (entity === "") return []
    if (method === "GET") return readProblems(service, entity, { where, query })
    const isFunction = documents.get(service)?.paths[`/${entity}`]?.["post"]?.parameters?.length
    const version = "not checked: which requests need If-Match: the OpenAPI documents do not say it"
    if (method !== "POST" || isFunction !== undefined)
      return [version, ...(headers["if-match"] === undefined ? [`${where} has no If-Match`] : [])].concat(
        method === "PATCH" ? bodyProblems(service, `Update${entity}`, { where, body }) : [],
      )
    const below = resource.split("/")[1]
    const created = below === "to_Item" ? "A_SalesOrderItem" : entity
    return [
      "not checked: sap:creatable: systems create with fewer fields than the OpenAPI documents list",
      ...bodyProblems(service, `Create${created}`, { where, body }),
    ]
  }

  function readProblems(service: string, entity: string, { where, query }: { where: string; query: string }): string[] {
    const properties = propertiesOf(service, entity)
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

  function bodyProblems(service: string, component: string, given: { where: string; body: unknown }): string[] {
    const { where, body } = given
    const properties = propertiesOf(service, component)
    if (properties === undefined) return [`${where}: no such entity is written`]
    return Object.entries(objectOf(body) ?? {}).flatMap(([name, value]) => {
      const property = properties[name]
      if (property === undefined) return [`${where} sends ${component}.${name}`]
      const below = /components\/schemas\/(\w+)/.exec(JSON.stringify(property))?.[1]
      const rows = objectOf(value)?.["results"]
      if (below === undefined || !Array.isArray(rows)) return []
      return rows.flatMap((row: unknown) => bodyProblems(service, below, { where, body: row }))
    })
  }

  return { fieldsOf, problemsOf }
}
