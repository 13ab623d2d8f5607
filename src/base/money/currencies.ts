/**
 * Minor-unit digits by currency code, after ISO 4217 list one (SIX Interbank Clearing, published 2024-06-25).
 * Codes without a minor unit in that list (XAU, XDR, XXX …) are left out: they do not occur in retail.
 */
const zero = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
const three = "BHD IQD JOD KWD LYD OMR TND"
const two =
  "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"

/** Codes that ISO 4217 has withdrawn (its list three). Orders of the years before are read with them; nothing new is sold in them. */
const withdrawnTwo =
  "AZM CSD CUC CYP EEK GHC GWP HRK LTL LVL MRO MTL MZM ROL SDD SIT SKK SLL STD TMM VEB VEF YUM ZMK ZWD ZWL ZWN ZWR"
const withdrawnZero = "BYR"

const entries = (codes: string, digits: number) => codes.split(" ").map((code) => [code, digits] as const)

/** Digits behind the decimal point, by ISO 4217 code. */
export const minorDigitsByCurrency: Readonly<Record<string, number>> = Object.fromEntries([
  ...entries(zero, 0),
  ...entries(three, 3),
  ...entries(two, 2),
  ...entries(withdrawnTwo, 2),
  ...entries(withdrawnZero, 0),
])
