/** The vendor's own books: every document it holds, by kind. The checker compares these with Crossdock's. */
export type Books = Record<string, readonly unknown[]>

/** What a simulator's `routes` hands back to the kit. */
export type VendorState = { books(): Books; reset(): void; stop?(): void }
