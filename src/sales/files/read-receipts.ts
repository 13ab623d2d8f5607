import { AppError, asAppError } from "../../base/errors.ts"
import { UnreadRow } from "../../base/json/unread-row.ts"
import type { PoslogSetting } from "../poslog/header.ts"
import { PoslogFile } from "../poslog/poslog-file.ts"
import { readTransaction, type ReadTransaction } from "../poslog/read-transaction.ts"
import type { DropFolder } from "./policy.ts"

/** What a part of a file holds: transactions of POSLog, or rows of JSON with the lines they stand on. */
export type Part =
  | { kind: "transactions"; transactions: ReadTransaction[] }
  | { kind: "rows"; rows: { row: unknown; place: string }[] }

/** Reads a file in parts, in the order of its bytes. */
export interface ReceiptReader {
  /** What these bytes end. Throws REQUEST_MALFORMED, REQUEST_TOO_LARGE: what came before counts, and nothing after it is read. */
  write(bytes: Buffer): Part
  end(): Part
}

interface Setting {
  poslog: PoslogSetting
  parseJson: (bytes: Buffer, of?: { rows?: string }) => unknown
}

const newLine = 0x0a
/** Longer than a receipt may be, so that its own check says by how much. */
const lineBytesMax = 2 * 1024 * 1024
/** JSON cannot be read in parts. */
const jsonBytesMax = 16 * 1024 * 1024
const mark = Buffer.from([0xef, 0xbb, 0xbf])

export function receiptReader(format: DropFolder["format"], setting: Setting): ReceiptReader {
  if (format === "poslog") return poslogReader(setting.poslog)
  return format === "ndjson" ? linesReader(setting.parseJson) : jsonReader(setting.parseJson)
}

function poslogReader(setting: PoslogSetting): ReceiptReader {
  const file = new PoslogFile()
  const read = (found: ReturnType<PoslogFile["end"]>): Part => {
    return { kind: "transactions", transactions: found.map((one) => readTransaction(one, setting)) }
  }
  return { write: (bytes) => read(file.write(bytes)), end: () => read(file.end()) }
}

/** A line that is no JSON, e.g. one that a power failure cut, costs no other. */
function linesReader(parseJson: Setting["parseJson"]): ReceiptReader {
  let rest: Buffer = Buffer.alloc(0)
  let count = 0
  const rowOf = (line: Buffer): { row: unknown; place: string }[] => {
    count += 1
    const bytes = count === 1 ? withoutMark(line) : line
    if (!bytes.some((byte) => byte > 0x20)) return []
    const place = `line ${count}`
    try {
      return [{ row: parseJson(bytes), place }]
    } catch (thrown) {
      return [{ row: new UnreadRow(asAppError(thrown).problems), place }]
    }
  }
  const write = (bytes: Buffer): Part => {
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    const rows: { row: unknown; place: string }[] = []
    let from = 0
    for (let end = all.indexOf(newLine); end >= 0; end = all.indexOf(newLine, from)) {
      rows.push(...rowOf(all.subarray(from, end)))
      from = end + 1
    }
    rest = Buffer.from(all.subarray(from))
    if (rest.length > lineBytesMax)
      throw new AppError("REQUEST_TOO_LARGE", `line ${count + 1} is longer than ${lineBytesMax} bytes`, {
        problems: [{ pointer: `line ${count + 1}`, message: "expected a receipt, and a line end after each" }],
      })
    return { kind: "rows", rows }
  }
  return { write, end: () => ({ kind: "rows", rows: rest.length === 0 ? [] : rowOf(rest) }) }
}

function jsonReader(parseJson: Setting["parseJson"]): ReceiptReader {
  const parts: Buffer[] = []
  let length = 0
  return {
    write(bytes) {
      length += bytes.length
      if (length > jsonBytesMax)
        throw new AppError("REQUEST_TOO_LARGE", `a file of JSON has at most ${jsonBytesMax} bytes`, {
          problems: [{ pointer: "", message: "expected a smaller file, or NDJSON, which is read line by line" }],
        })
      parts.push(Buffer.from(bytes))
      return { kind: "rows", rows: [] }
    },
    end: () => {
      return { kind: "rows", rows: rowsOf(parseJson(withoutMark(Buffer.concat(parts)), { rows: "receipts" })) }
    },
  }
}

function rowsOf(value: unknown): { row: unknown; place: string }[] {
  const placed = (rows: readonly unknown[], root: string) => rows.map((row, n) => ({ row, place: `${root}/${n}` }))
  if (Array.isArray(value)) return placed(value as unknown[], "")
  if (typeof value === "object" && value !== null && "receipts" in value && Array.isArray(value.receipts))
    return placed(value.receipts as unknown[], "/receipts")
  return [{ row: value, place: "" }]
}

const withoutMark = (bytes: Buffer): Buffer => (bytes.subarray(0, 3).equals(mark) ? bytes.subarray(3) : bytes)
