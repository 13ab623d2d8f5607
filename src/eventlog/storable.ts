/** Text that PostgreSQL takes: what a sender wrote may quote U+0000 or half a surrogate pair. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "\uFFFD")
}
