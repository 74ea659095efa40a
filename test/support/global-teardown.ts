import { takeAll } from './running-servers.js';

export default async function tearDown(): Promise<void> {
  await Promise.all(takeAll().map((server) => server.stop()));
}
