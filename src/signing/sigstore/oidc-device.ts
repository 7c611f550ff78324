import * as v from "valibot";
import { ImageError } from "../../core/errors.ts";
import { sleep } from "../../core/retry.ts";
import { printable, type ServiceAnswer } from "./bounded-exchange.ts";
import type { IssuerParameters, LoginOptions } from "./oidc.ts";
import {
  discoverIssuer,
  errorCode,
  type Issuer,
  parseAnswer,
  postForm,
  readIdToken,
  refusal,
} from "./oidc-issuer.ts";
import { createCodeProof } from "./oidc-pkce.ts";

const GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const SCOPE = "openid email";
/** Seconds; where the issuer says nothing, and what is added when it wants fewer questions. RFC 8628, section 3.5. */
const INTERVAL = 5;
const SLOWER = 5;
/** No code is waited for longer than this, whatever the issuer says; in seconds. */
const LONGEST = 1800;

const Seconds = v.pipe(v.number(), v.minValue(0));
const DeviceSchema = v.object({
  device_code: v.pipe(v.string(), v.minLength(1)),
  user_code: v.pipe(v.string(), v.minLength(1)),
  verification_uri: v.string(),
  verification_uri_complete: v.nullish(v.string()),
  expires_in: Seconds,
  interval: v.nullish(Seconds),
});
type DeviceAuthorization = v.InferOutput<typeof DeviceSchema>;

/** Somebody logs in on any device, with a code that is shown here. RFC 8628, with PKCE as sigstore wants it. */
export async function logInWithDevice(parameters: IssuerParameters, options: LoginOptions): Promise<string> {
  const { issuerUrl, clientId } = parameters;
  const issuer = await discoverIssuer(issuerUrl, options.client, options.signal);
  const proof = createCodeProof();
  const device = await authorizeDevice(issuer, parameters, proof.challenge, options);
  const url = verificationUrl(device);
  const expiry = Math.min(device.expires_in, LONGEST);
  options.prompt(
    `Enter the verification code ${printable(device.user_code)} in your browser at: ${url}\nCode will be valid for ${expiry} seconds`,
  );
  const form = {
    grant_type: GRANT,
    device_code: device.device_code,
    scope: SCOPE,
    code_verifier: proof.verifier,
  };
  const answer = await poll({ device, expiry, wait: options.wait, signal: options.signal }, () =>
    postForm(issuer, issuer.tokenEndpoint, form, parameters, options),
  );
  return readIdToken(answer, { issuerUrl, clientId });
}

async function authorizeDevice(
  issuer: Issuer,
  parameters: IssuerParameters,
  challenge: string,
  options: LoginOptions,
): Promise<DeviceAuthorization> {
  if (issuer.deviceEndpoint === undefined) {
    throw new ImageError("UNSUPPORTED_OPERATION", "device authorization endpoint not supported by provider");
  }
  const form = { scope: SCOPE, code_challenge: challenge, code_challenge_method: "S256" };
  const answer = await postForm(issuer, issuer.deviceEndpoint, form, parameters, options);
  if (answer.status !== 200) throw refusal("a device code", answer);
  const device = parseAnswer(answer, DeviceSchema);
  if (device === undefined) {
    throw new ImageError("REGISTRY_FAILURE", "error obtaining a device code: the answer has none");
  }
  return device;
}

/** Where to enter the code, as it is safe to show. */
function verificationUrl(device: DeviceAuthorization): string {
  const text = device.verification_uri_complete || device.verification_uri;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return url.href;
  throw new ImageError("REGISTRY_FAILURE", "error obtaining a device code: its verification URL is unusable");
}

interface Patience {
  readonly device: DeviceAuthorization;
  /** Seconds. */
  readonly expiry: number;
  readonly wait?: LoginOptions["wait"];
  readonly signal?: AbortSignal | undefined;
}

/** Asks until there is an answer that is more than "not yet". */
async function poll(patience: Patience, ask: () => Promise<ServiceAnswer>): Promise<ServiceAnswer> {
  const { device, expiry, signal } = patience;
  const wait = patience.wait ?? ((milliseconds, stop) => sleep(milliseconds, { signal: stop }));
  let interval = Math.max(1, device.interval ?? INTERVAL);
  for (let waited = interval; waited <= expiry; waited += interval) {
    await wait(interval * 1000, signal);
    const answer = await askOnce(ask);
    const code = answer?.status === 200 ? undefined : answer && errorCode(answer);
    // Nothing but time helps a connection that breaks.
    if (answer === undefined || code === "slow_down") interval += SLOWER;
    else if (code !== "authorization_pending") return answer;
  }
  throw new ImageError("UNAUTHORIZED", "error obtaining token: expired_token");
}

/** Undefined when the connection failed in a way that may pass. */
async function askOnce(ask: () => Promise<ServiceAnswer>): Promise<ServiceAnswer | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ImageError && error.transient) return undefined;
    throw error;
  }
}
