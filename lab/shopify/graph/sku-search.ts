/** Terms `sku:X`, `sku:'X'` or `sku:"X"` joined by OR, with backslashes before quotes. */
export function skusOf(query: string): Set<string> {
  const terms = query.matchAll(/sku:(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+))/g)
  return new Set([...terms].map(([, double, single, bare]) => unescaped(double ?? single ?? bare ?? "").toLowerCase()))
}

const unescaped = (text: string): string => text.replaceAll(/\\(.)/g, "$1")
