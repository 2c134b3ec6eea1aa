import { describe, expect, test } from 'vitest'
import { chooseWheel, tensorflowVersion } from '#services/trainer/setup-tensorflow.ts'

const linux = { platform: 'linux', arch: 'x64', glibc: '2.36' } as const

describe('the wheel', () => {
  test('for the CPU of a Linux PC is the small one, of a fixed version', () => {
    const wheel = chooseWheel(linux, 'cpu')

    expect(wheel.requirement).toBe(`tensorflow-cpu==${tensorflowVersion}`)
    expect(wheel.platforms).toContain('manylinux_2_27_x86_64')
  })

  test('for arm64 is the package that is built for the CPU there', () => {
    const wheel = chooseWheel({ ...linux, arch: 'arm64' }, 'cpu')

    expect(wheel.requirement).toBe(`tensorflow==${tensorflowVersion}`)
    expect(wheel.platforms).toContain('manylinux_2_27_aarch64')
  })

  test('for a GPU brings the CUDA libraries along', () => {
    expect(chooseWheel(linux, 'gpu').requirement).toContain('[and-cuda]')
  })

  test.each([
    ['macOS', { ...linux, platform: 'darwin' }, 'darwin x64'],
    ['Windows', { ...linux, platform: 'win32' }, 'win32 x64'],
    ['Alpine', { ...linux, glibc: undefined }, 'glibc absent'],
    ['an old Linux', { ...linux, glibc: '2.17' }, 'glibc 2.17'],
    ['RISC-V', { ...linux, arch: 'riscv64' }, 'linux riscv64']
  ] as const)(
    'for %s does not exist, and the message says what runs instead',
    (_, machine, name) => {
      const choose = () => chooseWheel(machine, 'cpu')

      expect(choose).toThrow(name)
      expect(choose).toThrow('WebAssembly')
    }
  )
})
