import type { FastifyRequest } from "fastify"
import { jsonBody } from "../../simulator.ts"
import type { Shape } from "./entities.ts"
import type { Fields, Filter } from "./filter.ts"
import { parseFilter } from "./filter.ts"
import { ODataError } from "./error.ts"

/** One OData request taken apart. */
export type ODataRequest = {
  method: string
  service: string
  /** Entity set or function import; empty for the service root. */
  resource: string
  key: Fields | undefined
  navigation: string | undefined
  query: URLSearchParams
  filter: Filter | undefined
  shape: Shape
  top: number
  skip: number
}

const prefix = "/sap/opu/odata/sap/"
const pageMax = 5_000

export function parseRequest(request: FastifyRequest, base: string): ODataRequest {
  const [path = "", search = ""] = request.url.split("?", 2)
  const [service = "", resource = "", navigation] = decodeURIComponent(path.slice(prefix.length)).split("/")
  const query = new URLSearchParams(search)
  const filterText = query.get("$filter")
  const open = resource.indexOf("(")
  return {
    method: request.method,
    service,
    resource: open < 0 ? resource : resource.slice(0, open),
    key: open < 0 ? undefined : parseKey(resource.slice(open + 1, resource.lastIndexOf(")"))),
    navigation,
    query,
    filter: filterText === null ? undefined : parseFilter(filterText),
    shape: { base: base + prefix.slice(0, -1), expand: listOf(query, "$expand"), select: listOf(query, "$select") },
    top: Math.min(count(query, "$top", pageMax), pageMax),
    skip: count(query, "$skip", 0),
  }
}

/** `'42'` has no field name and is kept under the empty one; `A='1',B='2'` are fields. */
function parseKey(text: string): Fields {
  const key: Fields = {}
  for (const match of text.matchAll(/(?:(\w+)=)?'((?:[^']|'')*)'/g))
    key[match[1] ?? ""] = (match[2] ?? "").replaceAll("''", "'")
  return key
}

/** The body of a write; PATCH bodies may be wrapped in `d`, as the vendor's OpenAPI shows them. */
export function bodyOf(request: FastifyRequest): Fields {
  const body = jsonBody(request)
  if (typeof body !== "object" || body === null) {
    throw new ODataError(400, "CX_SXML_PARSE_ERROR", "Error while parsing an XML stream")
  }
  // Checked above; the wrapper is looked at before the fields.
  const fields = body as Fields
  const inner = fields["d"]
  return typeof inner === "object" && inner !== null ? (inner as Fields) : fields
}

/** A function import's parameter: `'text'`, `datetime'…'` or `1.5M`. */
export function parameter(request: ODataRequest, name: string): string {
  const value = request.query.get(name)
  if (value === null) throw new ODataError(400, "/IWBEP/CM_MGW_RT/022", `Parameter '${name}' is missing`)
  return value.replace(/^(?:datetime)?'(.*)'$/s, "$1").replace(/^(-?\d+(?:\.\d+)?)[mM]$/, "$1")
}

function listOf(query: URLSearchParams, name: string): string[] {
  const value = query.get(name)
  return value === null || value === "" ? [] : value.split(",").map((item) => item.trim())
}

function count(query: URLSearchParams, name: string, fallback: number): number {
  const value = query.get(name)
  return value !== null && /^\d+$/.test(value) ? Number(value) : fallback
}
