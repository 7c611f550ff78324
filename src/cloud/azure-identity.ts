import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TokenCredential, TokenCredentialOptions } from "@azure/identity";
import type { CloudContext } from "./cloud-context.ts";
import { probe } from "./service-client.ts";

type Identity = typeof import("@azure/identity");

/** Who this machine is to Azure, as far as its surroundings tell. */
export interface AzureIdentity {
  /** `AZURE_CLIENT_SECRET`, `the login of az` */
  readonly source: string;
  /** What a user can renew it with; undefined where there is no command for it. */
  readonly renew?: string | undefined;
  create(library: Identity, options: TokenCredentialOptions): TokenCredential;
}

/** Answers 400 to whom it does not know, which is enough to see that it is there. */
const METADATA = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";

/** The first identity that is configured. The metadata service is asked only when there is no other. */
export async function findAzureIdentity(context: CloudContext): Promise<AzureIdentity | undefined> {
  const { env } = context;
  const told = applicationIdentity(env) ?? workloadIdentity(env) ?? managedIdentityOfVariables(env);
  if (told !== undefined) return told;
  if (await hasCliLogin(env)) return cliIdentity(env);
  return (await hasMetadata(context))
    ? managedIdentity(env, "the managed identity of this machine")
    : undefined;
}

function applicationIdentity(env: CloudContext["env"]): AzureIdentity | undefined {
  const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client } = env;
  const { AZURE_CLIENT_SECRET: secret, AZURE_CLIENT_CERTIFICATE_PATH: certificatePath } = env;
  if (!tenant || !client) return undefined;
  if (secret) {
    return {
      source: "AZURE_CLIENT_SECRET",
      create: (library, options) => new library.ClientSecretCredential(tenant, client, secret, options),
    };
  }
  if (!certificatePath) return undefined;
  const certificatePassword = env.AZURE_CLIENT_CERTIFICATE_PASSWORD;
  const certificate = { certificatePath, ...(certificatePassword ? { certificatePassword } : {}) };
  const sendCertificateChain = /^(?:1|true)$/i.test(env.AZURE_CLIENT_SEND_CERTIFICATE_CHAIN ?? "");
  return {
    source: "AZURE_CLIENT_CERTIFICATE_PATH",
    create: (library, options) =>
      new library.ClientCertificateCredential(tenant, client, certificate, {
        ...options,
        sendCertificateChain,
      }),
  };
}

function workloadIdentity(env: CloudContext["env"]): AzureIdentity | undefined {
  const { AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId } = env;
  const { AZURE_FEDERATED_TOKEN_FILE: tokenFilePath } = env;
  if (!tenantId || !clientId || !tokenFilePath) return undefined;
  return {
    source: "AZURE_FEDERATED_TOKEN_FILE",
    create: (library, options) =>
      new library.WorkloadIdentityCredential({ ...options, tenantId, clientId, tokenFilePath }),
  };
}

function managedIdentityOfVariables(env: CloudContext["env"]): AzureIdentity | undefined {
  const variable = ["IDENTITY_ENDPOINT", "MSI_ENDPOINT"].find((name) => env[name]);
  return variable === undefined ? undefined : managedIdentity(env, variable);
}

function managedIdentity(env: CloudContext["env"], source: string): AzureIdentity {
  const clientId = env.AZURE_CLIENT_ID;
  return {
    source,
    create: (library, options) =>
      new library.ManagedIdentityCredential({ ...options, ...(clientId ? { clientId } : {}) }),
  };
}

function cliIdentity(env: CloudContext["env"]): AzureIdentity {
  const tenantId = env.AZURE_TENANT_ID;
  return {
    source: "the login of az",
    renew: 'run "az login"',
    create: (library) => new library.AzureCliCredential(tenantId ? { tenantId } : {}),
  };
}

/** Azure's command line keeps a list of subscriptions, which is empty while nobody is logged in. */
async function hasCliLogin(env: CloudContext["env"]): Promise<boolean> {
  const home = process.platform === "win32" ? env.USERPROFILE : env.HOME;
  const directory = env.AZURE_CONFIG_DIR || (home && join(home, ".azure"));
  if (!directory) return false;
  try {
    const text = await readFile(join(directory, "azureProfile.json"), "utf8");
    return /"subscriptions"\s*:\s*\[\s*\{/.test(text);
  } catch {
    return false;
  }
}

async function hasMetadata({ services, signal }: CloudContext): Promise<boolean> {
  const answer = await probe(services, { method: "GET", url: METADATA, headers: {} }, signal);
  return answer?.status === 400;
}
