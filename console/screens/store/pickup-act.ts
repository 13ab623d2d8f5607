/** The next act of a store on a pickup. */
export type NextAct = "pick" | "hand over" | "put back"
