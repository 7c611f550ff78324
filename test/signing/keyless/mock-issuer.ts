import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign, verify } from "node:crypto";

export type Claims = Readonly<Record<string, unknown>>;

/** What a test has the issuer do. */
export interface IssuerBehaviour {
  /** A client of this name must know this secret. */
  client: { id: string; secret: string };
  /** Errors that the device grant answers with, one after the other, before it gives a token. */
  deviceErrors: string[];
  /** Claims that are put over those of a token. */
  claims: Claims;
  /** Refuses to log anybody in. */
  refuses: boolean;
}

interface Grant {
  readonly challenge: string;
  readonly redirectUri: string;
  readonly nonce: string | undefined;
}

/** An OpenID Connect issuer that logs in whoever comes, as signer@example.com. */
export class MockIssuer {
  readonly behaviour: IssuerBehaviour = {
    client: { id: "sigstore", secret: "" },
    deviceErrors: [],
    claims: {},
    refuses: false,
  };
  readonly #url: () => string;
  readonly #keys: { publicKey: KeyObject; privateKey: KeyObject } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
  });
  readonly #codes = new Map<string, Grant>();
  readonly #devices = new Map<string, string>();

  constructor(url: () => string) {
    this.#url = url;
  }

  idToken(claims: Claims = {}): string {
    const now = Math.floor(Date.now() / 1000);
    const all = {
      iss: this.#url(),
      sub: "1234",
      aud: "sigstore",
      iat: now,
      exp: now + 600,
      email: "signer@example.com",
      email_verified: true,
      ...claims,
    };
    const text = [{ alg: "ES256", kid: "k1", typ: "JWT" }, all]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const signature = sign("sha256", Buffer.from(text), {
      key: this.#keys.privateKey,
      dsaEncoding: "ieee-p1363",
    });
    return `${text}.${signature.toString("base64url")}`;
  }

  /** The claims of a token that is good now; undefined for any other. */
  verifyToken(token: string): Readonly<Record<string, unknown>> | undefined {
    const [header = "", payload = "", signature = ""] = token.split(".");
    const key = { key: this.#keys.publicKey, dsaEncoding: "ieee-p1363" } as const;
    const isOurs = verify(
      "sha256",
      Buffer.from(`${header}.${payload}`),
      key,
      Buffer.from(signature, "base64url"),
    );
    if (!isOurs) return undefined;
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
    const isGood = claims.iss === this.#url() && claims.aud === "sigstore";
    return isGood && Number(claims.exp) * 1000 > Date.now() ? claims : undefined;
  }

  async answer(request: Request): Promise<Response | undefined> {
    const { pathname, searchParams } = new URL(request.url);
    switch (`${request.method} ${pathname}`) {
      case "GET /issuer/.well-known/openid-configuration":
        return Response.json(this.#discovery());
      case "GET /issuer/keys":
        return Response.json({
          keys: [{ ...this.#keys.publicKey.export({ format: "jwk" }), kid: "k1", alg: "ES256", use: "sig" }],
        });
      case "GET /issuer/auth":
        return this.#authorize(searchParams);
      case "POST /issuer/device":
        return this.#startDevice(await form(request));
      case "POST /issuer/token":
        return this.#token(request, await form(request));
      default:
        return undefined;
    }
  }

  #discovery(): object {
    const url = this.#url();
    return {
      issuer: url,
      authorization_endpoint: `${url}/auth`,
      token_endpoint: `${url}/token`,
      device_authorization_endpoint: `${url}/device`,
      jwks_uri: `${url}/keys`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
      code_challenge_methods_supported: ["S256"],
    };
  }

  #authorize(query: URLSearchParams): Response {
    const { redirect_uri: redirectUri = "", state = "", ...rest } = Object.fromEntries(query);
    const isGood =
      rest.response_type === "code" &&
      rest.client_id === this.behaviour.client.id &&
      rest.scope?.split(" ").includes("openid") &&
      rest.code_challenge_method === "S256" &&
      /^http:\/\/localhost:\d+\/auth\/callback$/.test(redirectUri);
    if (!isGood || !rest.code_challenge) return new Response("bad request", { status: 400 });
    const back = new URL(redirectUri);
    back.searchParams.set("state", state);
    if (this.behaviour.refuses) back.searchParams.set("error", "access_denied");
    else {
      const code = randomUUID();
      this.#codes.set(code, { challenge: rest.code_challenge, redirectUri, nonce: rest.nonce });
      back.searchParams.set("code", code);
    }
    return Response.redirect(back.href, 302);
  }

  #startDevice(query: URLSearchParams): Response {
    const challenge = query.get("code_challenge");
    if (query.get("client_id") !== this.behaviour.client.id) return refusal("invalid_client", 401);
    if (!challenge || query.get("code_challenge_method") !== "S256") return refusal("invalid_request");
    const code = randomUUID();
    this.#devices.set(code, challenge);
    return Response.json({
      device_code: code,
      user_code: "ABCD-EFGH",
      verification_uri: `${this.#url()}/enter`,
      verification_uri_complete: `${this.#url()}/enter?user_code=ABCD-EFGH`,
      expires_in: 300,
      interval: 1,
    });
  }

  #token(request: Request, query: URLSearchParams): Response {
    if (!this.#knowsClient(request, query)) return refusal("invalid_client", 401);
    const challenge = createHash("sha256")
      .update(query.get("code_verifier") ?? "")
      .digest("base64url");
    if (query.get("grant_type") === "authorization_code") {
      const code = query.get("code") ?? "";
      const grant = this.#codes.get(code);
      this.#codes.delete(code);
      const isGood = grant?.challenge === challenge && grant.redirectUri === query.get("redirect_uri");
      return isGood ? this.#grant({ nonce: grant.nonce }) : refusal("invalid_grant");
    }
    if (query.get("grant_type") !== "urn:ietf:params:oauth:grant-type:device_code") {
      return refusal("unsupported_grant_type");
    }
    if (this.#devices.get(query.get("device_code") ?? "") !== challenge) return refusal("invalid_grant");
    const error = this.behaviour.deviceErrors.shift();
    return error === undefined ? this.#grant({}) : refusal(error);
  }

  #grant(claims: Claims): Response {
    const token = this.idToken({ aud: this.behaviour.client.id, ...claims, ...this.behaviour.claims });
    return Response.json({ access_token: "x", token_type: "Bearer", id_token: token });
  }

  #knowsClient(request: Request, query: URLSearchParams): boolean {
    const { id, secret } = this.behaviour.client;
    const header = request.headers.get("authorization");
    if (secret === "") return query.get("client_id") === id || header !== null;
    return header === `Basic ${btoa(`${id}:${secret}`)}` || query.get("client_secret") === secret;
  }
}

async function form(request: Request): Promise<URLSearchParams> {
  return new URLSearchParams(await request.text());
}

function refusal(error: string, status = 400): Response {
  return Response.json({ error }, { status });
}
