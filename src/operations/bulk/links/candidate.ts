import { asAppError } from "../../../base/errors.ts"
import { contentDigest } from "../../../base/ids.ts"
import type { Money } from "../../../base/money.ts"
import { cut } from "../../../base/text.ts"
import type { Order } from "../../../canonical/order.ts"
import type { Reference } from "../../../canonical/parts.ts"
import type { Asked, FoundDocument, Links, WantedDocument } from "../../../ports/write.ts"
import { compareDocument } from "./compare.ts"
import { ref, type Ref } from "../../../canonical/refs.ts"
import type { StepOf } from "./linked-documents.ts"

/** A step that is not done, with what its connection knows of its documents. */
export interface LinkableStep extends StepOf {
  /** The step without its part, and the part. */
  name: string
  part: string
  connection: string
  businessKey: string
  /** How often it was sent. */
  attempts: number
  /** What the document is compared with; missing where the ledger does not know it. */
  asked?: Asked
  /** It changes with each entry of the journal. */
  seen: string
  /** Why nothing can be linked to it now. */
  why?: string
  links: Links<unknown, unknown>
}

/** Reads a document through the connection's door. */
export type ReadsDocuments = (step: LinkableStep, wanted: WantedDocument) => Promise<FoundDocument<unknown> | undefined>

/** A document as it was found, or as a person answers for it. */
export interface Candidate {
  document: Reference
  output: unknown
  /** Of what was compared; a document that shows something else later has changed. */
  digest: string
  shows: string
  differences: string[]
  cannotBe?: string
  total?: Money
}

interface CandidateParts {
  read: ReadsDocuments
  /** Whether there is such an order, whoever may see it. */
  order(about: Ref, channels: undefined): Promise<Order | undefined>
}

/** The document; undefined when there is none. A system that refuses to be asked leaves it to a person. */
export async function candidate(
  { read, order: orderOf }: CandidateParts,
  { step, order, number }: { step: LinkableStep; order: Order; number: string },
): Promise<Candidate | undefined> {
  const { links, connection: system, businessKey: key, asked } = step
  try {
    const found = await read(step, { number, order, key })
    if (!found) return undefined
    const { reference } = found
    const isOthers =
      reference !== key && reference !== "" && (await orderOf(ref("order", reference), undefined)) !== undefined
    // Its own order finds it by that reference, whatever a person says.
    const others = isOthers ? { cannotBe: `it carries the reference of order ${reference}` } : {}
    const { shows, ...compared } = { ...compareDocument(found, { key, asked }), ...others }
    const { output, total } = found
    const digest = contentDigest({ output, shows, ...compared }).slice(0, 16)
    return {
      ...asCandidate(output, { links, system, number }),
      digest,
      shows,
      ...compared,
      ...(total ? { total } : {}),
    }
  } catch (thrown) {
    const { kind, code, message } = asAppError(thrown)
    // It may answer in a moment, and its answer is better than anybody's word.
    const isAway = kind === "unavailable" && code !== "VENDOR_KEY_REFUSED"
    if (isAway || kind === "uncertain" || kind === "defect" || code === "REQUEST_INVALID") throw thrown
    const differences = [cut(`${system} refuses to be asked, so nothing is compared: ${message}`, 300)]
    return {
      ...asCandidate(links.named(number, asked ?? {}), { links, system, number }),
      digest: "unread",
      shows: "not read",
      differences,
    }
  }
}

function asCandidate(
  output: unknown,
  { links, system, number }: { links: Links<unknown, unknown>; system: string; number: string },
): Pick<Candidate, "document" | "output"> {
  const { reference } = output as { reference?: Reference }
  return { output, document: reference ?? { system, type: links.document, id: number } }
}
