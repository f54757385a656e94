/** The `keystead` command: one process a command, one wallet at a time. */
import { Command } from 'commander'
import { accessCommands } from './commands/access.ts'
import { agencyCommands } from './commands/agency.ts'
import { backupCommands } from './commands/backup.ts'
import { carryCommands } from './commands/carry.ts'
import { agentCommands } from './commands/cloud-agent.ts'
import { contactCommands } from './commands/contacts.ts'
import { credentialCommands } from './commands/credentials.ts'
import { decideCommands } from './commands/decide.ts'
import { deviceCommands } from './commands/device.ts'
import { evidenceCommand } from './commands/evidence.ts'
import { guardianCommands } from './commands/guardian.ts'
import { keyCommands } from './commands/keys.ts'
import { ledgerCommands } from './commands/ledger.ts'
import { keepingCommands } from './commands/ledger-keeping.ts'
import { networkCommands } from './commands/network.ts'
import { policyCommand } from './commands/policy.ts'
import { recoveryCommands } from './commands/recovery.ts'
import { releaseCommands } from './commands/release.ts'
import { resolveCommand } from './commands/resolve.ts'
import { resolverCommands } from './commands/resolver.ts'
import { startCommands } from './commands/start.ts'
import { walletCommands } from './commands/wallet.ts'
import { EXIT } from './exit.ts'

const program = new Command('keystead')
  .description('Decentralized key management: your own public-key infrastructure, rooted in a ledger.')
  .version('0.1.0')
  .option('-w, --wallet <name>', 'name of a wallet, or a path to its folder', process.env['KEYSTEAD_WALLET'] ?? 'me')
  .option('--passphrase-file <file>', 'read the passphrase from a file')
  .option('--passphrase-fd <n>', 'read the passphrase from a file descriptor')
  .option('--key-file <file>', 'open the wallet with a key in a file (see "wallet add-key")')
  .option('--keyring', 'open the wallet with the key in this system’s keyring (see "wallet add-keyring")')
  .option('--json', 'one JSON object a line instead of sentences')
  .showHelpAfterError(
    '("keystead --help" shows all commands; what begins with a hyphen and is no option goes after "--")',
  )
  .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
  .exitOverride()

startCommands(program)
agentCommands(program)
contactCommands(program)
carryCommands(program)
credentialCommands(program)
decideCommands(program)
recoveryCommands(program)
backupCommands(program)
deviceCommands(program)
guardianCommands(program)
keyCommands(program)
accessCommands(program)
walletCommands(program)
resolveCommand(program)
policyCommand(program)
resolverCommands(program)
releaseCommands(program)
ledgerCommands(program)
evidenceCommand(program)
keepingCommands(program)
networkCommands(program)
agencyCommands(program)

try {
  await program.parseAsync()
} catch (error) {
  // Commander has said why; help and version are no errors.
  const { exitCode = EXIT.usage } = error as { exitCode?: number }
  process.exitCode = exitCode === 0 ? EXIT.ok : EXIT.usage
}
