import { countText } from "../format/quantity.ts"

/** "1 order", "12 orders". */
export function counted(count: number, one: string, many: string): string {
  return `${countText(count)} ${count === 1 ? one : many}`
}
