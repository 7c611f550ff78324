import { ImageError } from "../core/errors.ts";
import { type AwsConfiguration, type AwsKeys, readAwsConfiguration } from "./aws-configuration.ts";
import { type AwsRequestHandler, createAwsRequestHandler } from "./aws-request-handler.ts";
import type { CloudContext } from "./cloud-context.ts";
import type { CloudCredentials } from "./cloud-credentials.ts";
import type { CloudHost } from "./cloud-hosts.ts";
import { withoutSecrets } from "./redaction.ts";
import { probe } from "./service-client.ts";
import { type Attempt, loginHint, serviceFailure } from "./service-failure.ts";

/** The public registry has its API in one region only. */
const PUBLIC_REGION = "us-east-1";
const METADATA = "http://169.254.169.254";

/** A login as Amazon ECR gives it. */
interface EcrLogin {
  /** The Base64 of `AWS:<password>`. */
  readonly authorizationToken?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

/**
 * A login for Amazon ECR with what the AWS credential chain finds. The metadata service is asked for an account's own
 * registry only, because the public one is read without a login as well.
 * @throws {ImageError} UNAUTHORIZED, CONFIG_INVALID, NETWORK_FAILURE
 */
export async function findEcrCredentials(
  host: CloudHost,
  context: CloudContext,
): Promise<CloudCredentials | undefined> {
  const configuration = await readAwsConfiguration(context.env);
  const source =
    configuration.source ?? ((await hasMetadata(host, context)) ? "the role of this instance" : undefined);
  if (source === undefined) return undefined;
  const cloud = host.cloud === "ecr" ? "Amazon ECR" : "Amazon ECR Public";
  context.debug(`${cloud}: asking for a login with ${source}`);
  const secrets = [...configuration.secrets];
  const attempt = { cloud, tried: `a login with ${source}`, next: loginHint(host.host), secrets };
  try {
    const login = await requestLogin(host, configuration, context, secrets);
    return toCredentials(login, `${cloud} (${source})`);
  } catch (error) {
    if (configuration.source === undefined && isWithoutCredentials(error)) return undefined;
    throw serviceFailure(withHints(attempt, host, error), error, describe(error));
  }
}

/** A machine of AWS need not have a role. */
function isWithoutCredentials(error: unknown): boolean {
  return error instanceof Error && error.name === "CredentialsProviderError";
}

async function hasMetadata(host: CloudHost, context: CloudContext): Promise<boolean> {
  const { env, services, signal } = context;
  const endpoint = env.AWS_EC2_METADATA_SERVICE_ENDPOINT;
  if (env.AWS_EC2_METADATA_DISABLED && env.AWS_EC2_METADATA_DISABLED !== "false") return false;
  if (host.cloud !== "ecr" && !endpoint) return false;
  const base = endpoint || METADATA;
  if (!URL.canParse("/latest/api/token", base)) return false;
  const url = new URL("/latest/api/token", base).href;
  const headers = { "x-aws-ec2-metadata-token-ttl-seconds": "60" };
  const answer = await probe(services, { method: "PUT", url, headers }, signal);
  return answer !== undefined && answer.status < 500;
}

/** Adds the secrets that the chain found to `secrets`. */
async function requestLogin(
  host: CloudHost,
  configuration: AwsConfiguration,
  context: CloudContext,
  secrets: string[],
): Promise<EcrLogin> {
  const region = host.cloud === "ecr" ? host.region : PUBLIC_REGION;
  const requestHandler = createAwsRequestHandler(context.services, context.signal);
  const credentials =
    configuration.keys ?? (await chainKeys(configuration, region, requestHandler, context.debug));
  secrets.push(credentials.secretAccessKey, credentials.sessionToken ?? "");
  const endpoint = endpointOf(host, context.env);
  const options = {
    region,
    credentials,
    requestHandler,
    maxAttempts: 2,
    retryMode: "standard",
    customUserAgent: context.userAgent,
    ...(endpoint === undefined ? endpointTraits(host) : { endpoint }),
  };
  if (host.cloud === "ecr") {
    const { ECRClient, GetAuthorizationTokenCommand } = await import("@aws-sdk/client-ecr");
    const answer = await new ECRClient(options).send(new GetAuthorizationTokenCommand({}));
    return answer.authorizationData?.[0] ?? {};
  }
  const { ECRPUBLICClient, GetAuthorizationTokenCommand } = await import("@aws-sdk/client-ecr-public");
  const answer = await new ECRPUBLICClient(options).send(new GetAuthorizationTokenCommand({}));
  return answer.authorizationData ?? {};
}

/** The SDK's own chain, which sends what it needs to send as the client would. */
async function chainKeys(
  configuration: AwsConfiguration,
  region: string,
  requestHandler: AwsRequestHandler,
  debug: (message: string) => void,
): Promise<AwsKeys> {
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  // The lower levels may hold secrets.
  const tell = (message: unknown): void => debug(withoutSecrets(String(message), configuration.secrets));
  const logger = { debug: () => undefined, info: () => undefined, warn: tell, error: tell };
  // Roles are asked for in the registry's region, single sign-on in its own.
  const ways = { clientConfig: { requestHandler }, parentClientConfig: { region, requestHandler } };
  const chain = defaultProvider({ ...configuration.chain, logger, ...ways });
  const callerClientConfig = { region: () => Promise.resolve(region), requestHandler };
  const keys = await chain({ callerClientConfig });
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  return sessionToken === undefined
    ? { accessKeyId, secretAccessKey }
    : { accessKeyId, secretAccessKey, sessionToken };
}

/** The SDK takes these together with a server of its own choice only. */
function endpointTraits(host: CloudHost): { useFipsEndpoint: boolean; useDualstackEndpoint: boolean } {
  const { fips, dualStack } = host.cloud === "ecr" ? host : { fips: false, dualStack: false };
  return { useFipsEndpoint: fips, useDualstackEndpoint: dualStack };
}

/** Variables that name another server, as the SDK reads them from the process. */
function endpointOf(host: CloudHost, env: CloudContext["env"]): string | undefined {
  if (env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === "true") return undefined;
  const own = host.cloud === "ecr" ? env.AWS_ENDPOINT_URL_ECR : env.AWS_ENDPOINT_URL_ECR_PUBLIC;
  return own || env.AWS_ENDPOINT_URL || undefined;
}

function toCredentials(login: EcrLogin, source: string): CloudCredentials {
  const text = Buffer.from(login.authorizationToken ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon <= 0 || colon === text.length - 1) throw new Error("the answer holds no login");
  return {
    credentials: { username: text.slice(0, colon), password: text.slice(colon + 1) },
    source,
    expires: login.expiresAt?.getTime(),
  };
}

/** The SDK puts the kind of an error in its name: `AccessDeniedException`. */
function describe(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const known = error.name.endsWith("Exception") || error.name.startsWith("Expired");
  return known ? `${error.name}: ${error.message}` : error.message;
}

function withHints(attempt: Attempt, host: CloudHost, error: unknown): Attempt {
  if (!(error instanceof Error) || error instanceof ImageError) return attempt;
  if (error.name.startsWith("AccessDenied")) {
    const action = host.cloud === "ecr" ? "ecr:GetAuthorizationToken" : "ecr-public:GetAuthorizationToken";
    return { ...attempt, next: `allow this identity ${action}, or log in with "skopeo login ${host.host}"` };
  }
  if ("code" in error && error.code === "ENOENT") return { ...attempt, code: "CONFIG_INVALID" };
  return attempt;
}
