/**
 * The authorities to trust when some are added: those given, and all that the runtime and the system trust already.
 * Naming any authority replaces a TLS client's whole list, so the list has to be put together here.
 */
export async function trustedAuthorities(added: readonly string[]): Promise<string[]> {
  const { getCACertificates } = await import("node:tls");
  return [...added, ...getCACertificates("default"), ...systemAuthorities(getCACertificates)];
}

function systemAuthorities(read: (type: "system") => string[]): string[] {
  try {
    return read("system");
  } catch {
    // A machine without a readable system store still has the runtime's own list.
    return [];
  }
}
