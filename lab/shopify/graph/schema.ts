import type { GraphQLSchema } from "graphql"
import { buildSchema } from "graphql"
import { readFileSync } from "node:fs"

/** Built once: the schema never changes while the simulator runs. */
export const adminSchema: GraphQLSchema = buildSchema(readFileSync(new URL("admin.graphql", import.meta.url), "utf8"))
