/** A quantity in thousandths of its unit, in the reader's way of writing numbers. */
export function quantityText(milli: number, locale?: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 3 }).format(milli / 1000).replace("-", "−")
}

export function countText(count: number, locale?: string): string {
  return new Intl.NumberFormat(locale).format(count).replace("-", "−")
}

export function bytesText(bytes: number, locale?: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"]
  const step = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  return new Intl.NumberFormat(locale, {
    style: "unit",
    unit: units[step] ?? "byte",
    maximumFractionDigits: step === 0 ? 0 : 1,
  }).format(bytes / 1000 ** step)
}
