import { expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { buildImage, writeLayout } from "./support/images.ts";
import { runOurs } from "./support/run.ts";
import { startServe } from "./support/serve.ts";

test("requests go through the proxy that the environment names for their scheme, but for exceptions", async () => {
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"] ?? ""}`.trim());
    response.end(request.url?.endsWith("/tags/list") ? '{"tags":["through"]}' : "{}");
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = proxy.address() as AddressInfo;
    const env = { http_proxy: `http://me:secret@127.0.0.1:${port}`, NO_PROXY: "direct.invalid" };
    const list = (host: string): ReturnType<typeof runOurs> =>
      runOurs(["list-tags", "--tls-verify=false", `docker://${host}:81/app`], { env });
    expect((await list("registry.invalid")).stdout).toContain("through");
    expect(seen).toContain(
      `GET http://registry.invalid:81/v2/app/tags/list Basic ${Buffer.from("me:secret").toString("base64")}`,
    );
    expect((await list("direct.invalid")).exitCode).toBe(1);
    expect(seen.filter((line) => line.includes("direct.invalid"))).toEqual([]);
  } finally {
    proxy.close();
  }
});

test.skipIf(!hasIpv6())("a registry is reached by its IPv6 address", async () => {
  const layout = writeLayout({ v1: buildImage({ seed: "ipv6" }) });
  await using registry = await startServe("[::1]:0");
  const image = `docker://${registry.host}/app:1`;
  const words = ["copy", "--dest-tls-verify=false", `oci:${layout}:v1`, image];
  expect(await runOurs(["--insecure-policy", ...words])).toMatchObject({ exitCode: 0 });
  const listed = await runOurs(["list-tags", "--tls-verify=false", image.replace(/:1$/, "")]);
  expect(JSON.parse(listed.stdout)).toEqual({ Repository: `${registry.host}/app`, Tags: ["1"] });
});

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === "::1"),
  );
}
