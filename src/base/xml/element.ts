/** An attribute; `uri` is empty for one without a prefix. */
export interface XmlAttribute {
  local: string
  uri: string
  value: string
}

/** An element with everything in it. Prefixes are resolved: what an element is called is its local name and its namespace. */
export interface XmlElement {
  local: string
  uri: string
  attributes: readonly XmlAttribute[]
  children: XmlElement[]
  /** Its own text, without that of its children. */
  text: string
  line: number
}

/** The value of an attribute without a prefix. */
export function attribute(element: XmlElement, local: string): string | undefined {
  return element.attributes.find((one) => one.local === local && one.uri === "")?.value
}
