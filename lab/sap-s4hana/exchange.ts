import type { FastifyRequest } from "fastify"
import type { Call } from "../simulator.ts"
import type { Company } from "./company.ts"
import type { Entity, EntitySet } from "./odata/entities.ts"
import { etagOf } from "./odata/entities.ts"
import { ODataError } from "./odata/error.ts"
import type { Fields } from "./odata/filter.ts"
import type { ODataRequest } from "./odata/request.ts"

export type Answer = { status: number; body?: unknown; headers?: Record<string, string> }

/** The input of a handler: the parsed request, and the call with its faults already decided. */
export type Exchange = { company: Company; odata: ODataRequest; request: FastifyRequest; call: Call }

export type Handler = { operation: string; run(exchange: Exchange): Answer }

/** `A_SalesOrder('42')` names no field: it means the only key. */
export function namedKey(set: EntitySet, key: Fields | undefined): Fields {
  const [first] = set.definition.keys
  if (key === undefined || first === undefined)
    throw new ODataError(405, "/IWBEP/CM_MGW_RT/021", "Method not allowed on a collection")
  return key[""] === undefined ? key : { [first]: key[""] }
}

/**
 * Writes need the current ETag of the document they change: 428 without one, 412 with an old one. Items of a sales order
 * have none of their own, so theirs is the header's.
 */
export function checkEtag(ifMatch: string | undefined, entity: Entity): void {
  if (ifMatch === undefined) {
    throw new ODataError(
      428,
      "/IWFND/CM_BEC/026",
      'The Data Services Request is required to be conditional. Try using the "If-Match" header.',
    )
  }
  if (ifMatch !== "*" && ifMatch !== etagOf(entity)) {
    throw new ODataError(412, "/IWFND/CM_BEC/027", "Precondition failed: the resource was changed since it was read")
  }
}

export function etagHeader(entity: Entity): Record<string, string> {
  return entity.set.definition.etag === undefined ? {} : { etag: etagOf(entity) }
}

/** Refuses a body with a field that this kind of write does not take. */
export function checkFields(body: Fields, { taken, what }: { taken: readonly string[]; what: string }): void {
  for (const name of Object.keys(body)) {
    if (name === "__metadata" || name.startsWith("to_") || taken.includes(name)) continue
    throw new ODataError(400, "/IWFND/CM_BEC/003", `Property '${name}' is invalid: ${what}`)
  }
}
