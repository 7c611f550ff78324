import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "../support/certificates.ts";
import { buildImage, temporary, writeDirectory } from "../support/images.ts";
import { fatalMessage, runOurs } from "../support/run.ts";

/** A registry that is reached over TLS and names a token server without: the password does not go there. */
test("a password for an HTTPS registry is not sent to a token server in the clear", async () => {
  const authority = await createAuthority();
  const own = await authority.issue("registry");
  const seen: (string | null)[] = [];
  using tokens = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      seen.push(request.headers.get("authorization"));
      return Response.json({ token: "t" });
    },
  });
  const challenge = `Bearer realm="http://127.0.0.1:${tokens.port}/token",service="s"`;
  using registry = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { cert: readFileSync(own.certificate), key: readFileSync(own.key) },
    fetch: () => new Response("", { status: 401, headers: { "WWW-Authenticate": challenge } }),
  });
  const certificates = temporary("certificates");
  writeFileSync(join(certificates, "ca.crt"), readFileSync(authority.certificate));
  const image = `docker://127.0.0.1:${registry.port}/app:1`;
  const inspect = ["inspect", "--cert-dir", certificates, image];
  const refused = await runOurs([...inspect, "--creds", "jo:secret"]);
  expect(refused.exitCode).toBe(1);
  expect(fatalMessage(refused)).toContain(`sent to http://127.0.0.1:${tokens.port} unencrypted`);
  expect(seen).toEqual([]);
  // Without a password there is nothing to keep.
  await runOurs(inspect);
  expect(seen.length).toBeGreaterThan(0);
  expect(seen.every((authorization) => authorization === null)).toBe(true);
});

test("an image for an HTTPS registry is not uploaded to a Location in the clear", async () => {
  const authority = await createAuthority();
  const own = await authority.issue("registry");
  const seen: string[] = [];
  using stranger = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      seen.push(request.method);
      return new Response(null, { status: 201 });
    },
  });
  // Another name for the same machine: it could be any.
  const Location = `http://localhost:${stranger.port}/take/it`;
  using registry = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls: { cert: readFileSync(own.certificate), key: readFileSync(own.key) },
    fetch: ({ method }) =>
      method === "POST"
        ? new Response(null, { status: 202, headers: { Location } })
        : new Response(null, { status: 404 }),
  });
  const certificates = temporary("certificates");
  writeFileSync(join(certificates, "ca.crt"), readFileSync(authority.certificate));
  const image = `docker://127.0.0.1:${registry.port}/app:1`;
  const source = `dir:${writeDirectory(buildImage({ seed: "clear", layers: [1000] }))}`;
  const copy = await runOurs(["copy", "--dest-cert-dir", certificates, source, image]);
  expect(copy.exitCode).toBe(1);
  expect(fatalMessage(copy)).toContain("from HTTPS to http://localhost");
  expect(seen).toEqual([]);
});
