import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { jsonTree, nodeAt } from "../../../base/json/tree.ts"
import { cut } from "../../../base/text.ts"
import { entity } from "../../../canonical/parts.ts"
import { ref } from "../../../canonical/refs.ts"
import type { Correction } from "../../../eventlog/deliveries/corrections.ts"
import type { IncomingDelivery } from "../../../eventlog/deliveries/stored-deliveries.ts"
import type { WouldTell } from "../../../eventlog/inbox.ts"
import { isPersonalAt } from "../../payloads/shown.ts"
import { done, skipped, type BulkKind, type Difference } from "../kind.ts"

const Spec = entity("Correct delivery", {
  delivery: Type.Integer({ minimum: 1, description: "the number of the parked delivery" }),
  pointer: Type.String({
    pattern: "^(/[^/]*)+$",
    maxLength: 500,
    description: "where: a JSON pointer, as /line_items/0/price",
  }),
  value: Type.String({
    maxLength: 2000,
    description: "what stands there instead, as JSON: 12.5, or with quotes for a text",
  }),
})

interface CorrectDelivery {
  delivery: number
  pointer: string
  value: string
}

interface CorrectionParts {
  /** A parked delivery as it was corrected so far; undefined when it is not parked. */
  parked(inboxId: number): Promise<IncomingDelivery | undefined>
  withCorrection(delivery: IncomingDelivery, correction: Correction): IncomingDelivery
  wouldTell(inboxId: number, delivery: IncomingDelivery): Promise<WouldTell>
  isCorrectedBy(of: { inboxId: number; operation: string }): Promise<boolean>
  /** Keeps the correction, once in an operation, and translates the delivery again. */
  correct(correction: Correction & { inboxId: number; by: string; operation: string }): Promise<void>
}

/**
 * Corrects one value of a parked delivery and translates it again. Its bytes stay as they came, and the preview says what the delivery
 * would tell with the correction; the difference is shown to those who may see it.
 */
export function correctDelivery(parts: CorrectionParts): BulkKind<CorrectDelivery> {
  return {
    name: "correct delivery",
    does: "corrects one value of a delivery that cannot be understood, and translates it again; its bytes stay",
    schema: Spec,
    scope: "operations:replay",
    personal: { value: ({ pointer, value }) => isPersonalAt(pointer, value) },
    async preview({ delivery: id, pointer, value }, { channels }) {
      const found = await parts.parked(id)
      if (!found || (channels && !channels.includes(found.connection)))
        throw problem("/delivery", `there is no parked delivery ${id}`)
      if (placeOf(found, pointer) === undefined) throw problem("/pointer", `its JSON has no value at ${pointer}`)
      const told = await parts.wouldTell(id, parts.withCorrection(found, { pointer, value: jsonOf(value) }))
      const member = ref("inbox", String(id))
      const about = `${found.topic || found.via} of ${found.connection}: facts: ${told.fresh} new, ${told.known} known`
      if (told.isParked && told.fresh === 0)
        return { members: [], refused: [{ id: member, why: cut(told.reason ?? "it still cannot be understood", 300) }] }
      const rest = told.isParked ? [`A part still cannot be understood: ${cut(told.reason ?? "", 300)}`] : []
      return { members: [{ id: member, about }], refused: [], says: [`Another value stands at ${pointer}.`, ...rest] }
    },
    async difference({ delivery, pointer, value }): Promise<Difference[]> {
      const found = await parts.parked(delivery)
      return [{ at: pointer, after: value, ...(found ? { before: placeOf(found, pointer) ?? "" } : {}) }]
    },
    async carryOut(_member, { delivery, pointer, value }, { by, operation }) {
      if (!(await parts.parked(delivery)))
        // After a crash it is asked for again, and this operation may have been the one that mended it.
        return (await parts.isCorrectedBy({ inboxId: delivery, operation }))
          ? done
          : skipped("it is not parked any more")
      await parts.correct({ inboxId: delivery, pointer, value: jsonOf(value), by, operation })
      return done
    },
  }
}

/** The text of the value at a pointer. */
function placeOf({ bytes }: IncomingDelivery, pointer: string): string | undefined {
  const text = Buffer.from(bytes).toString("utf8")
  const tree = jsonTree(text)
  const node = tree && nodeAt(tree, pointer)
  return node && cut(text.slice(node.start, node.end), 2000)
}

/** The text itself, so that a number keeps its digits. */
function jsonOf(value: string): string {
  try {
    JSON.parse(value)
    return value.trim()
  } catch (thrown) {
    throw problem("/value", "is no JSON; write a text in double quotes", thrown)
  }
}

function problem(pointer: string, message: string, cause?: unknown): AppError {
  return new AppError("REQUEST_INVALID", message, { cause, problems: [{ pointer: `/spec${pointer}`, message }] })
}
