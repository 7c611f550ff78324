import { beforeAll, describe, expect } from "bun:test";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Authority, createAuthority } from "../support/certificates.ts";
import { buildImage, buildMultiArch, writeLayout } from "../support/images.ts";
import { findProgram, peerTest } from "../support/peers.ts";
import { mustRun, run } from "../support/run.ts";
import { deploy, newDirectory } from "./deployments.ts";

describe("a registry with a certificate", () => {
  let authority: Authority;
  let tls: { cert: string; key: string };
  const trusted = newDirectory();
  beforeAll(async () => {
    if (findProgram("openssl") === undefined) return;
    authority = await createAuthority();
    const issued = await authority.issue("registry");
    tls = { cert: readFileSync(issued.certificate, "utf8"), key: readFileSync(issued.key, "utf8") };
    copyFileSync(authority.certificate, join(trusted, "ca.crt"));
  });

  peerTest("speaks HTTPS, and to nobody plain HTTP", ["openssl", "curl"], async ([, curl = ""]) => {
    await using registry = await deploy("memory", { tls });
    expect(registry.url).toStartWith("https://127.0.0.1:");
    const head = await mustRun([
      curl,
      "-sS",
      "--cacert",
      authority.certificate,
      "-D-",
      `${registry.url}/v2/`,
    ]);
    expect(head).toStartWith("HTTP/1.1 200");
    expect((await run([curl, "-sS", `${registry.url}/v2/`])).stderr).toContain("certificate");
    expect((await run([curl, "-sS", `http://${registry.address}/v2/`])).exitCode).not.toBe(0);
  });

  peerTest("serves skopeo, which verifies it", ["openssl", "skopeo"], async ([, skopeo = ""]) => {
    const image = buildMultiArch("tls");
    const source = writeLayout({ v1: image, large: buildImage({ layers: [3_000_000] }) });
    await using registry = await deploy("layout", { tls });
    const copy = [skopeo, "copy", "--all", "--insecure-policy"];
    for (const tag of ["v1", "large"]) {
      const name = `docker://${registry.address}/team/app:${tag}`;
      expect((await run([...copy, `oci:${source}:${tag}`, name])).stderr).toContain(
        "x509: certificate signed by unknown authority",
      );
      await mustRun([...copy, "--dest-cert-dir", trusted, `oci:${source}:${tag}`, name]);
      await mustRun([...copy, "--src-cert-dir", trusted, name, `dir:${newDirectory()}`]);
    }
    const raw = await mustRun([
      skopeo,
      "inspect",
      "--raw",
      "--cert-dir",
      trusted,
      `docker://${registry.address}/team/app:v1`,
    ]);
    expect(raw).toBe(String(image.blobs.get(image.top.digest)));
  });
});
