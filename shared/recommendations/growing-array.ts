// Numbers one after the other, as many as come: a list of objects or of JavaScript numbers takes several
// times the memory.
type Numbers = Int32Array | Float32Array

export class GrowingArray<A extends Numbers> {
  readonly #make: new (
    length: number
  ) => A
  #values: A
  #length = 0

  constructor(make: new (length: number) => A) {
    this.#make = make
    this.#values = new make(1024)
  }

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const grown = new this.#make(Math.ceil(1.5 * this.#length))
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[this.#length++] = value
  }

  /** A copy, without room for more. */
  taken(): A {
    const copy = new this.#make(this.#length)
    copy.set(this.#values.subarray(0, this.#length))
    return copy
  }
}
