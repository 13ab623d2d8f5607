import { Type, type TSchema } from "typebox"

/** Query of every list: page size, and the cursor of the last page. Cursors are opaque. */
export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: "`cursor` of the previous page" })),
}

const limitDefault = 50

/** Where a page of a trace begins: `next` of the page before. */
export const TraceAfter = Type.String({
  pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$",
  description: "`next` of the previous page",
})

/** A query schema that allows no other parameters. */
export function query<Properties extends Record<string, TSchema>>(properties: Properties) {
  return Type.Object(properties, { additionalProperties: false })
}

/** One page of a list. */
export function pageOf(item: TSchema) {
  return Type.Object({ items: Type.Array(item), cursor: Type.Optional(Type.String()) })
}

/** An object whose members are described in the reference, not in this document. */
export const AnyObject = Type.Object({}, { additionalProperties: true })

/** The paging part of a list request; without `cursor` when none was given. */
export function pageRequest(given: { limit?: number | undefined; cursor?: string | undefined }): {
  limit: number
  cursor?: string
} {
  return { limit: given.limit ?? limitDefault, ...(given.cursor === undefined ? {} : { cursor: given.cursor }) }
}
