/**
 * A text in Markdown as plain text for a screen: lines that were only broken for an editor are one line again; lists, headings and
 * examples keep theirs.
 */
export function unwrapped(markdown: string): string {
  let isExample = false
  const lines: string[] = []
  for (const line of markdown.split("\n")) {
    const before = lines.at(-1)
    const isFence = line.startsWith("```")
    const begins = line.trim() === "" || isFence || /^\s*(?:[-*#>|]|\d+\.)/.test(line)
    if (isExample || isFence || begins || before === undefined || before.trim() === "" || before.startsWith("#"))
      lines.push(line)
    else lines[lines.length - 1] = `${before} ${line.trim()}`
    if (isFence) isExample = !isExample
  }
  return lines
    .filter((line) => !line.startsWith("```"))
    .join("\n")
    .trim()
}
