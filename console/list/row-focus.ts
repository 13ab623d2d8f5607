/** Rows are walked by the focus itself: whoever presses Enter then follows the link. */

const rowsOf = (place: HTMLElement | null) => [...(place?.querySelectorAll<HTMLElement>("[data-row]") ?? [])]
const focused = (rows: readonly HTMLElement[]) => rows.findIndex((row) => row.contains(document.activeElement))

/** Focuses the link of the next or previous row; the first one when none has the focus. */
export function focusRow(place: HTMLElement | null, step: 1 | -1): void {
  const rows = rowsOf(place)
  const from = focused(rows)
  const row = rows[from === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, from + step))]
  row?.querySelector<HTMLElement>("a[href]")?.focus()
  row?.scrollIntoView({ block: "nearest" })
}

export function toggleFocusedRow(place: HTMLElement | null): void {
  const rows = rowsOf(place)
  rows[focused(rows)]?.querySelector<HTMLElement>("input[type=checkbox]")?.click()
}
