import { moneyText, type Money } from "../../../base/money.ts"
import { own } from "../../../base/lookup.ts"
import type { Asked, FoundDocument } from "../../../ports/write.ts"

/** How a document compares with what was asked. */
export interface Comparison {
  /** In one sentence, what the document shows. */
  shows: string
  /** Why it cannot be linked at all. */
  cannotBe?: string
  /** What differs, a few words each. Who links it all the same says why. */
  differences: string[]
}

/** What a document is compared with. `asked` is missing where the ledger does not know it. */
interface Wanted {
  key: string
  asked?: Asked | undefined
}

type Shown = Omit<FoundDocument<unknown>, "output">

/** Compares a document with the reference, the worth, the currency and the lines that were asked, and what it belongs to. */
export function compareDocument(found: Shown, { key, asked }: Wanted): Comparison {
  const { reference, total, state, others = [] } = found
  const hasMoney = asked === undefined || asked.worth !== undefined || total !== undefined
  const shows = [
    state,
    ...(found.of === undefined ? [] : [`of ${found.of}`]),
    ...(hasMoney ? [total ? moneyText(total) : "no total"] : []),
    reference === "" ? "no reference of ours" : `reference ${reference}`,
  ].join(", ")
  const cannotBe = found.cannotBe ?? ofAnother(found, { key, asked })
  return {
    shows,
    ...(cannotBe === undefined ? {} : { cannotBe }),
    differences: [...ofReference(reference, key), ...ofWorth(total, asked), ...ofLines(found, asked), ...others],
  }
}

// Keys of steps begin with the id of their order or return. A document that carries another is found by that step.
const isOurKey = (reference: string) => /^(?:ord|ret)_[0-9a-z]{16}-/i.test(reference)

function ofAnother({ reference, of }: Shown, { key, asked }: Wanted): string | undefined {
  if (asked?.of !== undefined && of !== undefined && of !== asked.of) return `it belongs to ${of}, not to ${asked.of}`
  return reference !== key && isOurKey(reference) ? `it carries ${reference}, the reference of another step` : undefined
}

function ofReference(reference: string, key: string): string[] {
  if (reference === key) return []
  return [reference === "" ? `it does not carry our reference ${key}` : `its reference is ${reference}, not ${key}`]
}

function ofWorth(total: Money | undefined, asked: Asked | undefined): string[] {
  if (asked === undefined) return ["what was asked is not kept, so it is not compared"]
  const { worth } = asked
  if (worth === undefined) return []
  if (total === undefined) return [`its total cannot be read; ${moneyText(worth)} was asked`]
  if (total.currency !== worth.currency) return [`its currency is ${total.currency}, not ${worth.currency}`]
  return total.amountMinor === worth.amountMinor
    ? []
    : [`its total is ${moneyText(total)}, ${moneyText(worth)} was asked`]
}

/** At most as many are named as people read. */
const namedMax = 8

function ofLines({ lines }: Shown, asked: Asked | undefined): string[] {
  if (asked?.lines === undefined || lines === undefined) return []
  const names = [...new Set([...Object.keys(asked.lines), ...Object.keys(lines)])].sort()
  const differ = names.flatMap((name) => {
    const [wanted, there] = [own(asked.lines ?? {}, name), own(lines, name)]
    if (wanted === there) return []
    if (there === undefined) return [`it has no ${name}, ${wanted ?? ""} was asked`]
    return [
      wanted === undefined
        ? `it has ${there} of ${name}, which was not asked`
        : `it has ${there} of ${name}, ${wanted} was asked`,
    ]
  })
  const rest = differ.length - namedMax
  return rest > 0
    ? [...differ.slice(0, namedMax), `${rest} more ${rest === 1 ? "line differs" : "lines differ"}`]
    : differ
}
