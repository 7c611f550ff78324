import { createPrivateKey, sign, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Certificate } from "./certificates.ts";

/** A server of tokens for docker-registry. Distribution, "Token Authentication Specification" and its JWT page. */
export interface TokenServer extends AsyncDisposable {
  readonly url: string;
  /** What docker-registry's configuration says under `auth.token`. */
  readonly configuration: object;
  /** The scopes that were asked for, and by whom. */
  readonly asked: readonly { readonly user: string; readonly scopes: readonly string[] }[];
}

/** Starts a token server that knows one user, who may do all; others may only pull. */
export async function startTokenServer(
  signing: Certificate,
  user: { readonly name: string; readonly password: string },
): Promise<TokenServer> {
  const key = createPrivateKey(readFileSync(signing.key));
  const certificate = new X509Certificate(readFileSync(signing.certificate));
  const asked: { user: string; scopes: readonly string[] }[] = [];
  const server = createServer((request, response) => answer(request, response));
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? "/", "http://token");
    const login = basicLogin(request);
    if (login !== undefined && (login.name !== user.name || login.password !== user.password)) {
      response.writeHead(401, { "Content-Type": "application/json" });
      response.end('{"errors":[{"code":"UNAUTHORIZED","message":"wrong password"}]}');
      return;
    }
    const scopes = url.searchParams.getAll("scope");
    asked.push({ user: login?.name ?? "", scopes });
    const access = scopes.map((scope) => {
      const [type, name, actions = ""] = scope.split(":");
      const allowed = actions.split(",").filter((action) => login !== undefined || action === "pull");
      return { type, name, actions: allowed };
    });
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: "tests",
      sub: login?.name ?? "",
      aud: "registry",
      exp: now + 300,
      nbf: now - 10,
      iat: now,
    };
    const header = { typ: "JWT", alg: "ES256", x5c: [certificate.raw.toString("base64")] };
    const text = [header, { ...claims, jti: `${now}`, access }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
    response.end(JSON.stringify({ token: `${text}.${signature.toString("base64url")}` }));
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  return {
    url,
    asked,
    configuration: { realm: url, service: "registry", issuer: "tests", rootcertbundle: signing.certificate },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function basicLogin(request: IncomingMessage): { name: string; password: string } | undefined {
  const encoded = /^Basic (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const [name = "", ...password] = Buffer.from(encoded, "base64").toString().split(":");
  return { name, password: password.join(":") };
}
