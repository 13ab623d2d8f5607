/** Text as XML content or attribute value; characters XML 1.0 does not allow are left out. */
export function xmlText(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
}

/**
 * The texts of all elements of one name that contain only text, whatever their namespace prefix. This is enough for
 * responses whose few fields have unique names. It is not a parser: it does not distinguish nested elements of one
 * name.
 */
export function textsBetween(source: string, name: string): string[] {
  const pattern = new RegExp(`<(?:[\\w-]+:)?${name}(?:\\s[^>]*)?>([^<]*)</(?:[\\w-]+:)?${name}>`, "g")
  return Array.from(source.matchAll(pattern), (match) => decoded(match[1] ?? ""))
}

function decoded(text: string): string {
  return text
    .replace(/&#(\d{1,7});/g, (_whole, digits: string) => String.fromCodePoint(Number(digits)))
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&")
}
