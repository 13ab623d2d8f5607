import { AppError } from "../errors.ts"

/**
 * Encodings that XML may come in, by the names that IANA has for them. Of ISO-8859-1 the bytes 80-9F are read as Windows-1252 has them, as
 * the Encoding standard says (encoding.spec.whatwg.org, 4.2): tills write the euro sign there.
 */
const encodings: Readonly<Record<string, string>> = {
  "utf-8": "utf-8",
  utf8: "utf-8",
  "us-ascii": "utf-8",
  ascii: "utf-8",
  "utf-16": "utf-16le",
  "utf-16le": "utf-16le",
  "utf-16be": "utf-16be",
  "iso-8859-1": "windows-1252",
  latin1: "windows-1252",
  "windows-1252": "windows-1252",
  "iso-8859-15": "iso-8859-15",
}

/** How many bytes the XML declaration is looked for in. */
const headBytes = 256

/**
 * Decodes the bytes of XML, in parts of any length. A byte order mark decides, then the `charset` of the content type, then the XML
 * declaration (RFC 7303, 3); without all three it is UTF-8. REQUEST_MALFORMED for an encoding that is not listed and for bytes that are none of
 * it.
 */
export class XmlDecoder {
  readonly #charset: string | undefined
  #head: Buffer | undefined = Buffer.alloc(0)
  #decoder: InstanceType<typeof TextDecoder> | undefined
  #encoding = ""
  #bytes = 0

  constructor(charset?: string) {
    this.#charset = charset
  }

  /** The text that the bytes so far make whole. */
  write(bytes: Uint8Array): string {
    if (this.#head === undefined) return this.#decode(bytes, true)
    this.#head = Buffer.concat([this.#head, bytes])
    return this.#head.length < headBytes ? "" : this.#begin(true)
  }

  /** What is left. REQUEST_MALFORMED when it ends within a character. */
  end(): string {
    return this.#head === undefined ? this.#decode(new Uint8Array(), false) : this.#begin(false)
  }

  #begin(isMore: boolean): string {
    const head = this.#head ?? Buffer.alloc(0)
    this.#head = undefined
    this.#encoding = encodingOf(head, this.#charset)
    this.#decoder = new TextDecoder(this.#encoding, { fatal: true })
    return this.#decode(head, isMore)
  }

  #decode(bytes: Uint8Array, isMore: boolean): string {
    try {
      const text = this.#decoder?.decode(bytes, { stream: isMore }) ?? ""
      this.#bytes += bytes.length
      return text
    } catch {
      const place = `between byte ${this.#bytes + 1} and byte ${this.#bytes + bytes.length}`
      throw new AppError("REQUEST_MALFORMED", `the XML is not ${this.#encoding}`, {
        problems: [{ pointer: place, message: `expected text in ${this.#encoding}; declare the encoding it is in` }],
      })
    }
  }
}

function encodingOf(head: Buffer, charset: string | undefined): string {
  const mark = head.subarray(0, 3).toString("hex")
  if (mark === "efbbbf") return "utf-8"
  if (mark.startsWith("fffe")) return "utf-16le"
  if (mark.startsWith("feff")) return "utf-16be"
  // `<?` without a mark, two bytes each (XML 1.0, appendix F.1).
  if (mark.startsWith("3c00")) return "utf-16le"
  if (mark.startsWith("003c")) return "utf-16be"
  const declared = /^<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)["']/.exec(head.toString("latin1"))?.[1]
  const name = charset ?? declared ?? "utf-8"
  const known = encodings[name.toLowerCase()]
  // One byte a character was found, whatever it says.
  if (known !== undefined && !known.startsWith("utf-16")) return known
  throw new AppError("REQUEST_MALFORMED", `the XML is said to be ${name}`, {
    problems: [
      {
        pointer: charset === undefined ? "line 1" : "header:content-type",
        message: `expected UTF-8, UTF-16, ISO-8859-1, ISO-8859-15 or Windows-1252, and bytes that are in it, not "${name}"`,
      },
    ],
  })
}
