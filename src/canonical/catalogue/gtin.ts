/**
 * Reads a GTIN of 8, 12, 13 or 14 digits as 14 digits, with leading zeros; undefined when it has another length or its check digit
 * is wrong. GS1 General Specifications 24.0, sections 3.3.2 and 7.9.
 */
export function gtin14(text: string): string | undefined {
  const digits = text.replaceAll(/[\s-]/g, "")
  // Zeros alone stand where there is no GTIN; their check digit is right.
  if (!/^(\d{8}|\d{12,14})$/.test(digits) || /^0+$/.test(digits)) return undefined
  const whole = digits.padStart(14, "0")
  const sum = [...whole].reduce((total, digit, place) => total + Number(digit) * (place % 2 === 0 ? 3 : 1), 0)
  return sum % 10 === 0 ? whole : undefined
}
