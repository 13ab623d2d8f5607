import { AppError } from "../../base/errors.ts"
import { XmlDecoder } from "../../base/xml/decode-xml.ts"
import type { XmlElement } from "../../base/xml/element.ts"
import { XmlReader } from "../../base/xml/read-xml.ts"

/** A transaction of a file, by its place in it; without an element when it is longer than the limit. */
export interface PoslogTransaction {
  n: number
  line: number
  element: XmlElement | undefined
}

// The namespace of POSLog 2.1 to 6.0, as files of NCR, Wincor Nixdorf and GK have it (github.com/kjbreil/poslog, sample/POSLog.xml).
const namespace = "http://www.nrf-arts.org/IXRetail/namespace/"
/** As long as a receipt of JSON may be, and tags around it. */
const transactionLengthMax = 2 * 1024 * 1024

/**
 * Reads a POSLog file in parts, transaction by transaction: memory is bounded by the longest transaction. Errors: REQUEST_MALFORMED and
 * REQUEST_TOO_LARGE with the place, see `XmlReader`; the latter for too many transactions, too.
 */
export class PoslogFile {
  readonly #decoder: XmlDecoder
  readonly #reader: XmlReader
  #found: PoslogTransaction[] = []
  #uri = ""
  readonly #transactionsMax: number
  #count = 0

  /** Without `transactionsMax` a file of any length is read. */
  constructor({
    charset,
    transactionsMax = Infinity,
  }: { charset?: string | undefined; transactionsMax?: number } = {}) {
    this.#transactionsMax = transactionsMax
    this.#decoder = new XmlDecoder(charset)
    this.#reader = new XmlReader(
      { onRoot: (root) => this.#root(root), onChild: (child, line) => this.#child(child, line) },
      { childLengthMax: transactionLengthMax },
    )
  }

  /** The transactions that these bytes end. */
  write(bytes: Uint8Array): PoslogTransaction[] {
    this.#reader.write(this.#decoder.write(bytes))
    return this.#taken()
  }

  /** The last ones. */
  end(): PoslogTransaction[] {
    this.#reader.write(this.#decoder.end())
    this.#reader.end()
    return this.#taken()
  }

  #taken(): PoslogTransaction[] {
    const found = this.#found
    this.#found = []
    return found
  }

  #root({ local, uri }: XmlElement): void {
    this.#uri = uri
    if (local === "POSLog" && (uri === namespace || uri === "")) return
    const what = uri === "" ? local : `${local} of ${uri}`
    throw new AppError("REQUEST_MALFORMED", `the XML is no POSLog but ${what.slice(0, 200)}`, {
      problems: [{ pointer: "line 1", message: `expected the outermost element POSLog of ${namespace}` }],
    })
  }

  #child(element: XmlElement | undefined, line: number): void {
    if (element && (element.local !== "Transaction" || element.uri !== this.#uri)) return
    this.#count += 1
    if (this.#count > this.#transactionsMax)
      throw new AppError("REQUEST_TOO_LARGE", `the file has more than ${this.#transactionsMax} transactions`, {
        problems: [
          {
            pointer: `line ${line}`,
            message: `expected at most ${this.#transactionsMax}: send it in parts, or drop it as a file`,
          },
        ],
      })
    this.#found.push({ n: this.#count, line, element })
  }
}
