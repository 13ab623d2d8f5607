import { Type, type Static } from "typebox"
import { entity, InstantText, LocationId } from "../parts.ts"
import { Day, ReceiptNumber, Sequence } from "./receipt.ts"

const closed = { additionalProperties: false } as const
const Place = Type.Integer({ minimum: 0, maximum: 1_000_000_000_000 })
const Hash = Type.String({ pattern: "^([0-9a-f]{64})?$", description: "SHA-256 in hex; empty before the first entry" })
const JournalId = Type.String({ minLength: 1, maxLength: 64 })

const TillChain = Type.Object(
  {
    tillId: ReceiptNumber.tillId,
    place: Place,
    hash: Hash,
    knownPlace: Place,
    knownHash: Hash,
    last: Type.Optional(
      Type.Object(
        {
          epoch: Type.String({ minLength: 1, maxLength: 32 }),
          businessDay: Day,
          sequence: Sequence,
        },
        { ...closed, description: "the last number it gave: what is below it and has not come is outstanding" },
      ),
    ),
  },
  { ...closed, description: "`known…` is the head that the centre had, as far as the agent heard" },
)

/** How far the journal of a store's agent is: the head of each till's chain, and what people must know of it. */
export const EdgeAnnouncement = entity("Edge announcement", {
  storeId: LocationId,
  journal: JournalId,
  before: Type.Optional({ ...JournalId, description: "the life of the journal that this one follows" }),
  tills: Type.Array(TillChain, { maxItems: 500 }),
  incidents: Type.Array(
    Type.Object(
      {
        incident: Type.String({ minLength: 1, maxLength: 64 }),
        what: Type.String({ minLength: 1, maxLength: 4000 }),
        at: InstantText,
      },
      closed,
    ),
    { maxItems: 100 },
  ),
})
/** See the schema. */
export type EdgeAnnouncement = Static<typeof EdgeAnnouncement>

/** The answer of the centre. The same announcement gets the same answer. */
export interface EdgeAnswer {
  /** `superseded`: another journal has followed this one, so another agent speaks for the store. Its receipts are taken all the same. */
  standing: "current" | "superseded"
  /** The head of each till as the centre has it now. It `differs` when the agent's chain does not go on from it. */
  tills: readonly { tillId: string; outcome: "taken" | "differs"; place: number; hash: string }[]
}
