import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bodyOf, type Fault, type FaultyRegistry, startFaultyRegistry } from "../support/faulty-registry.ts";
import { buildImage, temporary } from "../support/images.ts";
import { fatalMessage, type Outcome, runOurs } from "../support/run.ts";

const image = buildImage({ seed: "bearer", layers: [1000, 2000, 3000] });
const manifest = image.blobs.get(image.top.digest) ?? Buffer.alloc(0);
const content = { manifest, mediaType: image.top.mediaType, blobs: image.blobs };

/** What a token server was asked. */
interface TokenRequest {
  readonly method: string;
  readonly authorization: string | undefined;
  readonly parameters: URLSearchParams;
}

/**
 * A registry that wants tokens of its own realm, `/token`. `isValid` judges each token when it is used; of one that does not
 * do, `insufficient` tells the scope that it lacks.
 */
async function startTokenRegistry(
  isValid: (token: string, use: number) => boolean,
  insufficient?: (use: number) => string,
): Promise<{ registry: FaultyRegistry; asked: TokenRequest[] }> {
  const asked: TokenRequest[] = [];
  let uses = 0;
  const fault: Fault = async (request, response) => {
    const url = new URL(request.url ?? "/", "http://registry");
    const { authorization } = request.headers;
    if (url.pathname === "/token") {
      const isForm = request.method === "POST";
      const parameters = isForm ? new URLSearchParams((await bodyOf(request)).toString()) : url.searchParams;
      asked.push({ method: request.method ?? "", authorization, parameters });
      response.end(JSON.stringify({ token: `token-${asked.length}`, expires_in: 300 }));
      return true;
    }
    if (authorization?.startsWith("Bearer ") && isValid(authorization.slice(7), ++uses)) return false;
    const realm = `http://${request.headers.host}/token`;
    const lacks = authorization === undefined ? undefined : insufficient?.(uses);
    const reason =
      lacks === undefined ? 'scope="repository:app:pull"' : `scope="${lacks}",error="insufficient_scope"`;
    const challenge = `Bearer realm="${realm}",service="test registry",${reason}`;
    response.writeHead(401, { "WWW-Authenticate": challenge }).end();
    return true;
  };
  return { registry: await startFaultyRegistry(content, fault), asked };
}

async function pull(registry: FaultyRegistry, flags: readonly string[] = []): Promise<Outcome> {
  const words = ["copy", "--insecure-policy", "--src-tls-verify=false", ...flags];
  return await runOurs([
    ...words,
    `docker://${registry.host}/app:1`,
    `dir:${join(temporary("bearer"), "image")}`,
  ]);
}

describe("a registry with a token server", () => {
  test("is read anonymously with one token for all requests", async () => {
    const { registry, asked } = await startTokenRegistry((token) => token === "token-1");
    await using _ = registry;
    expect(await pull(registry)).toMatchObject({ exitCode: 0 });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.authorization).toBeUndefined();
    expect(Object.fromEntries(asked[0]?.parameters ?? [])).toEqual({
      scope: "repository:app:pull",
      service: "test registry",
    });
  });

  test("gets the password in the token request, and nowhere else", async () => {
    const { registry, asked } = await startTokenRegistry((token) => token === "token-1");
    await using _ = registry;
    expect(await pull(registry, ["--src-creds=jo:secret"])).toMatchObject({ exitCode: 0 });
    expect(asked[0]?.authorization).toBe(`Basic ${Buffer.from("jo:secret").toString("base64")}`);
    expect(asked[0]?.parameters.get("account")).toBe("jo");
  });

  test("is told that a token must be for more, once for all requests", async () => {
    const { registry, asked } = await startTokenRegistry(
      (token) => token === "token-2",
      () => "repository:behind/app:pull",
    );
    await using _ = registry;
    expect(await pull(registry)).toMatchObject({ exitCode: 0 });
    expect(asked.map(({ parameters }) => parameters.getAll("scope"))).toEqual([
      ["repository:app:pull"],
      ["repository:app:pull", "repository:behind/app:pull"],
    ]);
  });

  test("that always wants something more gets no more than a few questions", async () => {
    const { registry, asked } = await startTokenRegistry(
      () => false,
      (use) => `repository:app-${use}:pull`,
    );
    await using _ = registry;
    const outcome = await pull(registry);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toContain("authentication required");
    expect(asked.length).toBeLessThan(4);
  });

  test("gets an identity token by POST", async () => {
    const { registry, asked } = await startTokenRegistry((token) => token === "token-1");
    await using _ = registry;
    const file = join(temporary("auth"), "auth.json");
    const entry = { auth: Buffer.from("jo:").toString("base64"), identitytoken: "my-identity" };
    writeFileSync(file, JSON.stringify({ auths: { [registry.host]: entry } }));
    expect(await pull(registry, ["--authfile", file])).toMatchObject({ exitCode: 0 });
    expect(asked[0]?.method).toBe("POST");
    expect(asked[0]?.parameters.get("refresh_token")).toBe("my-identity");
    expect(asked[0]?.parameters.get("grant_type")).toBe("refresh_token");
  });

  test("that revokes a token in the middle gives another one", async () => {
    const { registry, asked } = await startTokenRegistry((token, use) =>
      use <= 2 ? token === "token-1" : token !== "token-1",
    );
    await using _ = registry;
    expect(await pull(registry)).toMatchObject({ exitCode: 0 });
    expect(asked.length).toBeGreaterThanOrEqual(2);
  });

  test("that refuses every token is given up on", async () => {
    const { registry } = await startTokenRegistry(() => false);
    await using _ = registry;
    const outcome = await pull(registry);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toContain("authentication required");
    expect(registry.requests.length).toBeLessThan(8);
  });

  test("takes a token from the command line as it is", async () => {
    const { registry, asked } = await startTokenRegistry((token) => token === "mine");
    await using _ = registry;
    expect(await pull(registry, ["--src-registry-token=mine"])).toMatchObject({ exitCode: 0 });
    expect(asked).toHaveLength(0);
  });

  test("asks for push and pull when it is written to", async () => {
    const { registry, asked } = await startTokenRegistry((token) => token.startsWith("token-"));
    await using _ = registry;
    const words = ["copy", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false"];
    const outcome = await runOurs([
      ...words,
      `docker://${registry.host}/app:1`,
      `docker://${registry.host}/copy:2`,
    ]);
    expect(outcome.stderr).not.toContain("level=fatal");
    expect(asked.map(({ parameters }) => parameters.getAll("scope"))).toContainEqual([
      "repository:copy:pull,push",
    ]);
  });
});
