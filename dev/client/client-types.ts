import openapiTypes, { astToString, type OpenAPI3 } from 'openapi-typescript';

const HEADING = `/**
 * The types of Tocsin's API. Made from its OpenAPI document by \`npm run generate:client\`; do not edit.
 */
/* eslint-disable max-lines, max-len -- a generated file has the length of the document */

`;

/** The text of src/client/openapi-types.ts for an OpenAPI document. */
export async function clientTypes(document: object): Promise<string> {
  // A field with a default may be left out of a request.
  const types = await openapiTypes(document as OpenAPI3, { defaultNonNullable: false });
  return HEADING + astToString(types);
}
