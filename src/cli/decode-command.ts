import type { Command } from 'commander';
import { decodeCommand } from './decode.js';

export function register(program: Command): void {
  program
    .command('decode')
    .description('take packets apart: every header, option and checksum verdict')
    .argument('[file]', 'a pcapng or pcap file')
    .option('--hex <digits>', 'the octets of an IPv6 packet or an Ethernet frame')
    .option('--json', 'print data instead of text')
    .action((file: string | undefined, { hex, json = false }: { hex?: string; json?: boolean }) => {
      process.exitCode = decodeCommand(
        { file, hex, json },
        text => process.stdout.write(text),
        text => process.stderr.write(text),
      );
    });
}
