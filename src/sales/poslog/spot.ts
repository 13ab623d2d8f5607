import type { Problem } from "../../base/errors.ts"
import { own } from "../../base/lookup.ts"
import { minorDigits } from "../../base/money.ts"
import { withoutCardNumbers } from "../../base/text.ts"
import { attribute, type XmlElement } from "../../base/xml/element.ts"

const words: Readonly<Record<string, boolean>> = { true: true, "1": true, false: false, "0": false }

/** An element of a transaction with its place in the file, where problems are noted. */
export class Spot {
  readonly element: XmlElement
  readonly place: string
  readonly problems: Problem[]

  constructor(element: XmlElement, place: string, problems: Problem[]) {
    this.element = element
    this.place = place
    this.problems = problems
  }

  /** What is wrong here, told without numbers of cards that stand in the file; `at` is within it, e.g. `/@TenderType`. */
  fail(message: string, at = ""): undefined {
    this.problems.push({ pointer: this.place + at, message: withoutCardNumbers(message) })
    return undefined
  }

  /**
   * Its first child of a name: one of its own namespace, or else one of a vendor's. Vendors add to the standard under names of the standard, e.g.
   * SES:TenderPickup (GK POSLog Structure v3, 4.3.7).
   */
  child(local: string): Spot | undefined {
    const { children, uri } = this.element
    const found = children.find((one) => one.local === local && one.uri === uri)
    return this.#at(found ?? children.find((one) => one.local === local))
  }

  /** All its children of a name in its own namespace, with their numbers. */
  all(local: string): Spot[] {
    const own = this.element.children.filter((one) => one.local === local && one.uri === this.element.uri)
    return own.map((one, n) => new Spot(one, `${this.place}/${local}[${n + 1}]`, this.problems))
  }

  /** All its children of its own namespace. */
  own(): Spot[] {
    return this.element.children.filter(({ uri }) => uri === this.element.uri).flatMap((one) => this.#at(one) ?? [])
  }

  get text(): string {
    return this.element.text.trim()
  }

  /** The text of a child; undefined when there is none. */
  value(local: string): string | undefined {
    const text = this.child(local)?.text
    return text === "" ? undefined : text
  }

  attribute(local: string): string | undefined {
    const value = attribute(this.element, local)?.trim()
    return value === "" ? undefined : value
  }

  /** Whether an attribute is set. A problem for a word that is neither yes nor no. */
  flag(local: string): boolean {
    return this.truth(this.attribute(local), `/@${local}`) ?? false
  }

  /**
   * What a flag says, as xs:boolean writes it, or `True` and `False` as .NET does. A word that is neither is a problem and never a "no": a sale in
   * training would count.
   */
  truth(word: string | undefined, at: string): boolean | undefined {
    if (word === undefined) return undefined
    const said = own(words, word.toLowerCase())
    if (said !== undefined) return said
    const pointer = this.place + at
    if (this.problems.some((known) => known.pointer === pointer)) return undefined
    return this.fail(`expected true or false, not "${word.slice(0, 60)}"`, at)
  }

  /** Its amount in minor units, exactly. Undefined, and a problem, for one that is finer or in another currency. */
  minor(currency: string): number | undefined {
    const own = this.attribute("Currency")
    if (own !== undefined && own !== currency) return this.fail(`expected ${currency}, not ${own}`, "/@Currency")
    const units = decimal(this.text)
    if (units === undefined) return this.fail("expected a decimal amount")
    const minor = units / 10n ** BigInt(scale - minorDigits(currency))
    if (minor * 10n ** BigInt(scale - minorDigits(currency)) !== units)
      return this.fail(`is finer than the smallest unit of ${currency}`)
    const amount = Number(minor)
    return Number.isSafeInteger(amount) ? amount : this.fail("is too large")
  }

  #at(element: XmlElement | undefined): Spot | undefined {
    return element && new Spot(element, `${this.place}/${element.local}`, this.problems)
  }
}

/** Digits behind the point that decimals are held with. */
export const scale = 10

/** A decimal text in units of 10⁻¹⁰, exactly; undefined for anything else and for what is finer. */
export function decimal(text: string): bigint | undefined {
  const match = /^([+-]?)(?=\.?\d)(\d{0,16})(?:\.(\d*))?$/.exec(text.trim())
  const fraction = match?.[3] ?? ""
  if (!match || /[1-9]/.test(fraction.slice(scale))) return undefined
  const units = BigInt(`${match[2]}${fraction.slice(0, scale).padEnd(scale, "0")}`)
  return match[1] === "-" ? -units : units
}
