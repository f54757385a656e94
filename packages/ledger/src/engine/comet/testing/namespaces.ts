/** Network namespaces on one machine, one for each validator, all on bridges that can be parted. As root, on Linux. */
import { execFileSync, spawnSync } from 'node:child_process'

const ip = (...words: string[]): void => {
  execFileSync('ip', words, { stdio: 'pipe' })
}

export function canMakeNetworkNamespaces(): boolean {
  const name = `ks-try-${process.pid}`
  const made = spawnSync('ip', ['netns', 'add', name], { stdio: 'ignore' }).status === 0
  if (made) spawnSync('ip', ['netns', 'delete', name], { stdio: 'ignore' })
  const bridge =
    made && spawnSync('ip', ['link', 'add', name.slice(0, 15), 'type', 'bridge'], { stdio: 'ignore' }).status === 0
  if (bridge) spawnSync('ip', ['link', 'delete', name.slice(0, 15)], { stdio: 'ignore' })
  return bridge
}

export class Namespaces {
  readonly #count: number
  /** Short and of this process: names of links have fifteen characters at most. */
  readonly #tag = `k${process.pid % 100_000}`

  constructor(count: number) {
    this.#count = count
    for (const side of ['a', 'b']) {
      ip('link', 'add', this.#bridge(side), 'type', 'bridge')
      ip('link', 'set', this.#bridge(side), 'up')
    }
    for (let i = 0; i < count; i++) {
      ip('netns', 'add', this.name(i))
      ip('link', 'add', this.#link(i), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.name(i))
      ip('link', 'set', this.#link(i), 'master', this.#bridge('a'), 'up')
      ip('-n', this.name(i), 'addr', 'add', `10.77.0.${i + 1}/24`, 'dev', 'eth0')
      ip('-n', this.name(i), 'link', 'set', 'eth0', 'up')
      ip('-n', this.name(i), 'link', 'set', 'lo', 'up')
    }
  }

  name(place: number): string {
    return `${this.#tag}n${place}`
  }

  /** What runs a command in a namespace. */
  prefix(place: number): string[] {
    return ['ip', 'netns', 'exec', this.name(place)]
  }

  address(place: number): string {
    return `10.77.0.${place + 1}:26656`
  }

  /** These can reach one another and nobody else. */
  part(places: readonly number[]): void {
    for (let i = 0; i < this.#count; i++)
      ip('link', 'set', this.#link(i), 'master', this.#bridge(places.includes(i) ? 'b' : 'a'))
  }

  heal(): void {
    this.part([])
  }

  remove(): void {
    for (let i = 0; i < this.#count; i++) spawnSync('ip', ['netns', 'delete', this.name(i)], { stdio: 'ignore' })
    for (const side of ['a', 'b']) spawnSync('ip', ['link', 'delete', this.#bridge(side)], { stdio: 'ignore' })
  }

  #bridge(side: string): string {
    return `${this.#tag}br${side}`
  }

  #link(place: number): string {
    return `${this.#tag}v${place}`
  }
}
