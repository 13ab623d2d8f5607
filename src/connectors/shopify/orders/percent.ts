/** A rate below 10 as percent text: 0.0625 → "6.25". The decimal point is moved in the text, so that there is no float rounding. */
export function percentText(rate: number): string {
  const [whole = "0", fraction = ""] = rate.toFixed(10).split(".")
  const digits = `${whole}${fraction.slice(0, 2)}`.replace(/^0+(?=\d)/, "")
  const rest = fraction.slice(2).replace(/0+$/, "")
  return rest === "" ? digits : `${digits}.${rest}`
}
