/** Keys or certificates: in files, which are read when they are needed, or in the policy itself. */
export type KeySource =
  | { readonly kind: "paths"; readonly paths: readonly string[] }
  | { readonly kind: "data"; readonly data: readonly Uint8Array[] };
