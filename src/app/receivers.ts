import type { ApiDeps } from '../api/api-routes.js';
import type { Config } from '../config/schema.js';
import type { Database } from '../storage/database.js';
import { createReceiverStore } from '../storage/receivers/receiver-store.js';
import { createSigningSecretStore } from '../storage/receivers/signing-secret-store.js';
import type { Sealer } from '../storage/secrets/sealed.js';

/** What the API needs for receivers and their signing secrets. */
export function openReceivers({
  config: { signing, auth },
  db,
  sealer,
}: {
  config: Pick<Config, 'signing' | 'auth'>;
  db: Database;
  sealer: Sealer;
}): Pick<ApiDeps, 'receivers' | 'signingSecrets' | 'signing' | 'headersToLoopback'> {
  return {
    receivers: createReceiverStore(db, sealer),
    signingSecrets: createSigningSecretStore(db, sealer),
    signing: { overlapMs: signing.overlap, most: signing.max_secrets },
    headersToLoopback: auth.mode === 'noauth',
  };
}
