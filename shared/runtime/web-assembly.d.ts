// The part of the WebAssembly API that vector-kernel.ts needs. TypeScript has it in its library for
// browsers only, and that library would bring a window and a document along.
declare namespace WebAssembly {
  interface MemoryDescriptor {
    readonly initial: number
    readonly maximum: number
    readonly shared: true
  }
  class Memory {
    constructor(descriptor: MemoryDescriptor)
    readonly buffer: SharedArrayBuffer
    grow(pages: number): number
  }
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>)
  }
  class Instance {
    constructor(module: Module, imports: { readonly env: { readonly memory: Memory } })
    readonly exports: unknown
  }
}
