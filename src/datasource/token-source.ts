/** Gives the Keystone tokens of this service. */
export interface TokenSource {
  token(): Promise<string>;
  /** A new token, for when a backend refuses the one of `token`. */
  renew(): Promise<string>;
}
