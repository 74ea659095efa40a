import type { operations } from '../../client/openapi-types.js';
import type { ShownAuthMode } from '../requests/session.js';

export type SignInBody = operations['beginSession']['requestBody']['content']['application/json'];

/** A way to sign in, and its fields. */
export interface SignInMethod {
  name: string;
  hint?: string;
  fields: readonly SignInField[];
}

export interface SignInField {
  name: keyof SignInBody;
  label: string;
  hint?: string;
  /** For password managers. */
  autocomplete: string;
  isSecret?: boolean;
  isOptional?: boolean;
  initial?: string;
}

const API_KEY: SignInMethod = {
  name: 'API key',
  fields: [{ name: 'api_key', label: 'API key', autocomplete: 'current-password', isSecret: true }],
};
const PASSWORD: SignInMethod = {
  name: 'Name and password',
  fields: [
    { name: 'name', label: 'Name', autocomplete: 'username' },
    { name: 'password', label: 'Password', autocomplete: 'current-password', isSecret: true },
    { name: 'project', label: 'Project', hint: 'Empty: your default project', autocomplete: 'on', isOptional: true },
    { name: 'domain', label: 'Domain', autocomplete: 'on', initial: 'Default' },
  ],
};
const TOKEN: SignInMethod = {
  name: 'Token',
  hint: 'A Keystone token for a project. To get one: openstack token issue -f value -c id',
  fields: [{ name: 'token', label: 'Token', autocomplete: 'off', isSecret: true }],
};

/** The ways to sign in, by `auth.mode`. The first one is chosen at the start. */
export const SIGN_IN_METHODS: Readonly<Record<ShownAuthMode, readonly SignInMethod[]>> = {
  noauth: [],
  apikey: [API_KEY],
  keystone: [PASSWORD, TOKEN],
  'keystone+apikey': [PASSWORD, TOKEN, API_KEY],
};
