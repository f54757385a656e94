/** Who plays. Alice is the paper's owner, Bob her peer, Carol and Dave two more contacts, Acme an organization. */
import { Person } from './person.ts'

export class Cast {
  readonly home: string
  readonly environment: NodeJS.ProcessEnv
  readonly alice: Person
  readonly bob: Person
  readonly carol: Person
  readonly dave: Person
  readonly acme: Person
  /** Public DIDs by name. */
  readonly dids = new Map<string, string>()
  /** Id of the presentation that Bob asked for. */
  presentation = ''

  constructor(home: string, environment: NodeJS.ProcessEnv) {
    this.home = home
    this.environment = environment
    this.alice = new Person('alice', home, environment)
    this.bob = new Person('bob', home, environment)
    this.carol = new Person('carol', home, environment)
    this.dave = new Person('dave', home, environment)
    this.acme = new Person('acme', home, environment)
  }

  get all(): readonly Person[] {
    return [this.alice, this.bob, this.carol, this.dave, this.acme]
  }

  /** Somebody in a new folder. */
  newcomer(name: string): Person {
    return new Person(name, this.home, this.environment)
  }
}
