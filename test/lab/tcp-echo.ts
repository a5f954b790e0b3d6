import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** A program of tests: `serve PORT` sends back what comes; `connect HOST PORT` keeps one connection busy and says how it goes, a line each time. */

const pauseMs = 50;

function serve(port: number): void {
  const server = createServer(socket => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen(port, '::', () => console.log('listening'));
}

async function keepBusy(host: string, port: number): Promise<void> {
  const socket = connect(port, host);
  socket.on('error', error => console.log(`broken: ${error.message}`));
  socket.on('close', () => console.log('broken: closed'));
  await once(socket, 'connect');
  console.log(`from ${socket.localAddress}`);
  socket.on('data', data => {
    for (const _ of data) console.log('echo');
  });
  setInterval(() => socket.write('x'), pauseMs);
}

const [, , what, ...rest] = process.argv;
if (what === 'serve') serve(Number(rest[0]));
else void keepBusy(rest[0], Number(rest[1]));
