// What an item is: a key that clients use, and attributes that the model reads. The catalogue is
// whatever the shop sends; no attribute is required.

export type AttributeValue = string | number | boolean | readonly string[]

export interface Item {
  /** How clients name the item. */
  readonly key: string
  /**
   * Any names. `categories` is read as a path from the root to the leaf, numbers as quantities,
   * long strings as text, everything else as labels: see derive-features.ts.
   */
  readonly attributes: Readonly<Record<string, AttributeValue>>
  /** False hides the item from every answer; it stays in the log and in the model. */
  readonly isVisible: boolean
  /**
   * What the shop sent beside all that, as it was sent: fields of its own, a CloudEvent's envelope. It
   * is given back, and no feature is made of it. Absent when there is nothing.
   */
  readonly properties?: Readonly<Record<string, unknown>>
}

/** An attribute of an item; undefined when it has none of that name. */
export function attributeOf({ attributes }: Item, name: string): AttributeValue | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined // not those of every object
}
