import type { Tracks } from "../../canonical/returns/parts.ts"
import type { Objection } from "./eligible.ts"

// The one place that says what buyers read of a return, whoever shows it: mails, status pages, the desk, a till (S-171, S-172).

/** What buyers are told of a return. */
const buyerStates = [
  "requested",
  "approved",
  "declined",
  "cancelled",
  "on its way",
  "received",
  "refund on its way",
  "refunded",
  "refund is late",
  "closed",
] as const
/** What buyers are told of a return. */
export type BuyerState = (typeof buyerStates)[number]
/** Why a return is not allowed, as buyers are told. */
type BuyerReason = Objection["code"]
/** Texts of one language. */
type Words = Readonly<Record<BuyerState | BuyerReason, string>>

/** Languages there are words in; another language reads English. */
const words: Readonly<Record<string, Words>> = {
  en: {
    requested: "We have your return request.",
    approved: "You can send your goods back.",
    declined: "We cannot take these goods back.",
    cancelled: "Your return is cancelled.",
    "on its way": "Your return is on its way to us.",
    received: "Your return has arrived and is being checked.",
    "refund on its way": "Your refund is on its way. Banks take up to ten working days.",
    refunded: "Your refund has been paid.",
    "refund is late": "Your refund takes longer than usual. We are looking into it.",
    closed: "Your return is complete.",
    "not shipped": "These goods have not left us yet, or have been returned before.",
    "more than was sold": "You cannot return more than you bought.",
    "unknown line": "These goods are not part of your order.",
    "final sale": "These goods were sold for good.",
    "window is over": "The time to return these goods is over.",
  },
  de: {
    requested: "Wir haben Ihren Rückgabewunsch erhalten.",
    approved: "Sie können Ihre Ware zurückschicken.",
    declined: "Wir können diese Ware nicht zurücknehmen.",
    cancelled: "Ihre Rückgabe ist storniert.",
    "on its way": "Ihre Rücksendung ist auf dem Weg zu uns.",
    received: "Ihre Rücksendung ist angekommen und wird geprüft.",
    "refund on its way": "Ihre Erstattung ist unterwegs. Banken brauchen bis zu zehn Werktage.",
    refunded: "Ihre Erstattung ist ausgezahlt.",
    "refund is late": "Ihre Erstattung dauert länger als üblich. Wir kümmern uns darum.",
    closed: "Ihre Rückgabe ist abgeschlossen.",
    "not shipped": "Diese Ware hat uns noch nicht verlassen oder wurde schon zurückgegeben.",
    "more than was sold": "Sie können nicht mehr zurückgeben, als Sie gekauft haben.",
    "unknown line": "Diese Ware gehört nicht zu Ihrer Bestellung.",
    "final sale": "Diese Ware ist vom Umtausch ausgeschlossen.",
    "window is over": "Die Rückgabefrist für diese Ware ist abgelaufen.",
  },
  nl: {
    requested: "We hebben je retouraanvraag ontvangen.",
    approved: "Je kunt je artikelen terugsturen.",
    declined: "We kunnen deze artikelen niet terugnemen.",
    cancelled: "Je retour is geannuleerd.",
    "on its way": "Je retour is onderweg naar ons.",
    received: "Je retour is aangekomen en wordt gecontroleerd.",
    "refund on its way": "Je terugbetaling is onderweg. Banken doen er tot tien werkdagen over.",
    refunded: "Je terugbetaling is gedaan.",
    "refund is late": "Je terugbetaling duurt langer dan normaal. We zoeken het uit.",
    closed: "Je retour is afgerond.",
    "not shipped": "Deze artikelen zijn nog niet verzonden of al eerder teruggegeven.",
    "more than was sold": "Je kunt niet meer teruggeven dan je hebt gekocht.",
    "unknown line": "Deze artikelen horen niet bij je bestelling.",
    "final sale": "Deze artikelen kunnen niet worden teruggegeven.",
    "window is over": "De retourtermijn van deze artikelen is voorbij.",
  },
}

/** The words of a language: `de-AT` reads those of `de`, and what nobody wrote reads English. */
export function wordsOf(language: string): Words {
  const known = Object.hasOwn(words, language.slice(0, 2)) ? words[language.slice(0, 2)] : words["en"]
  if (!known) throw new TypeError("there are no words")
  return known
}

/** What the buyer is told of a return: the one mapping from its tracks. */
export function buyerState({ goods, money }: Pick<Tracks, "goods" | "money">): BuyerState {
  if (money === "given back") return "refunded"
  if (money === "pending" || money === "being given back") return "refund on its way"
  if (money === "needs a person" || money === "waits for approval") return "refund is late"
  if (goods === "inspected") return "received"
  if (goods === "put away") return money === "not due yet" ? "received" : "closed"
  return goods === "none" ? "closed" : goods
}
