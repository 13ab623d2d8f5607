import type { GraphQLSchema } from "graphql"
import { buildSchema, isEnumType } from "graphql"
import { readFileSync } from "node:fs"

/** Built once: the schema never changes while the simulator runs. */
export const adminSchema: GraphQLSchema = buildSchema(readFileSync(new URL("admin.graphql", import.meta.url), "utf8"))

// A version that is no longer served falls forward, and its callers meet words of lists that they do not know.
for (const type of Object.values(adminSchema.getTypeMap())) if (isEnumType(type)) type.serialize = String
