import type { Money } from "../api/answers.ts"
import { decimalText } from "./money.ts"

type Value = string | number | Money | undefined

/** Rows as CSV (RFC 4180) for a spreadsheet: amounts with a point and their currency beside them, times in UTC. */
export function csvText(head: readonly string[], rows: readonly (readonly Value[])[]): string {
  return [head, ...rows].map((row) => row.map(field).join(",")).join("\r\n")
}

function field(value: Value): string {
  if (value === undefined) return ""
  if (typeof value === "number") return String(value)
  if (typeof value === "object") return `${decimalText(value)} ${value.currency}`
  // A spreadsheet would run a text that begins like a formula, and buyers can write such texts.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Hands a text to the person as a file. */
export function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([`\uFEFF${text}`], { type: "text/csv;charset=utf-8" }))
  const link = document.createElement("a")
  link.href = address
  link.download = name
  link.click()
  URL.revokeObjectURL(address)
}
