import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { entity } from "../../../canonical/parts.ts"
import { done, skipped, type BulkAct, type BulkKind, type Preview } from "../kind.ts"
import { assertNotTooMany, membersMax } from "./cases.ts"

const Spec = entity("Drain", {
  connection: Type.String({ minLength: 1, maxLength: 64, description: "whose waiting work goes on" }),
})

interface Drain {
  connection: string
}

interface Waiting {
  workflow: string
  about: string
  promisedAt: string | undefined
}

interface DrainParts {
  /** Ids of connections. */
  connections: readonly string[]
  /** What waits for a connection, the earliest promise first. */
  waitingFor(connection: string, limit: number): Promise<readonly Waiting[]>
  letGo(one: Pick<Waiting, "workflow" | "about">, connection: string): Promise<boolean>
  /** Whether a call may be made now. */
  isOpen(connection: string): boolean
  /** Ends a pause by a person. */
  resume(connection: string, act: BulkAct): Promise<unknown>
}

/**
 * Lets what waits for a connection go on at the operation's pace, the earliest promise first. While it runs or is paused nothing
 * else lets go what waits for that connection; after its end workers go on with the rest as always.
 */
export function drain({ connections, waitingFor, letGo, isOpen, resume }: DrainParts): BulkKind<Drain> {
  return {
    name: "drain",
    does: "lets work that waits for a connection go on at a pace that can be changed while it runs",
    schema: Spec,
    async preview({ connection }, { channels }): Promise<Preview> {
      if (channels) throw new AppError("PERMISSION_MISSING", "a connection is of all channels; you are limited to some")
      if (!connections.includes(connection))
        throw new AppError("REQUEST_INVALID", `there is no connection ${connection}`, {
          problems: [{ pointer: "/spec/connection", message: `expected one of ${connections.join(", ")}` }],
        })
      const waiting = await waitingFor(connection, membersMax + 1)
      assertNotTooMany(waiting.length)
      const members = waiting.map(({ workflow, about, promisedAt }) => {
        const promise = promisedAt === undefined ? "" : `, promised for ${promisedAt}`
        return { id: about, about: `${workflow} of ${about}${promise}`, seen: workflow }
      })
      const state = isOpen(connection) ? "answers" : "is paused or does not answer yet: a pause ends with the start"
      return { members, refused: [], says: [`${members.length} wait for ${connection}, which ${state}.`] }
    },
    prepare: ({ connection }, act) => resume(connection, act),
    async carryOut({ id, seen = "" }, { connection }) {
      if (!isOpen(connection))
        throw new AppError("CONNECTION_PAUSED", `${connection} does not answer yet; the drain goes on when it does`)
      return (await letGo({ workflow: seen, about: id }, connection)) ? done : skipped("it does not wait any more")
    },
  }
}
