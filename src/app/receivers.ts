import type { ApiDeps } from '../api/api-routes.js';
import type { Config } from '../config/schema.js';
import type { Database } from '../storage/database.js';
import { createReceiverStore } from '../storage/receivers/receiver-store.js';
import { createSigningSecretStore } from '../storage/receivers/signing-secret-store.js';
import type { Sealer } from '../storage/secrets/sealed.js';

/** What the API needs for receivers and their signing secrets. */
export function openReceivers({
  config: { signing },
  db,
  sealer,
}: {
  config: Pick<Config, 'signing'>;
  db: Database;
  sealer: Sealer;
}): Pick<ApiDeps, 'receivers' | 'signingSecrets' | 'signing'> {
  return {
    receivers: createReceiverStore(db),
    signingSecrets: createSigningSecretStore(db, sealer),
    signing: { overlapMs: signing.overlap, most: signing.max_secrets },
  };
}
