import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { createConnection } from "node:net";
import { sha256 } from "../support/images.ts";
import { type Deployment, deployments } from "./deployments.ts";
import { expectStatus } from "./push.ts";

const bytes = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 7919) % 251));
const digest = sha256(bytes);
const ARRIVED = 600_000;

/** Announces all bytes, sends some of them, and breaks the connection. */
async function sendPart(registry: Deployment, method: string, path: string): Promise<void> {
  const [host, port] = registry.address.split(":");
  const socket = createConnection({ host: host ?? "", port: Number(port) });
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${registry.address}\r\nContent-Length: ${bytes.length}\r\n\r\n`;
  await new Promise<void>((resolve) => {
    socket.write(head);
    socket.write(bytes.subarray(0, ARRIVED), () => resolve());
  });
  await Bun.sleep(50);
  await new Promise<void>((resolve) => socket.once("close", () => resolve()).destroy());
}

async function eventually(condition: () => Promise<boolean>): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await condition()) return true;
    await Bun.sleep(20);
  }
  return false;
}

function filesOf(registry: Deployment): readonly string[] {
  if (registry.directory === undefined) return [];
  const names = readdirSync(registry.directory, { recursive: true, encoding: "utf8" });
  return names.filter(
    (name) => name.includes("serve-upload") || name.includes("put-blob") || name.includes("sha256/"),
  );
}

for (const { name, start } of deployments) {
  describe(`an upload that breaks off, to a registry ${name}`, () => {
    test("can go on from where it broke off", async () => {
      await using registry = await start();
      const begun = await fetch(`${registry.url}/v2/x/blobs/uploads/`, { method: "POST" });
      const location = `${registry.url}${begun.headers.get("Location")}`;
      await sendPart(registry, "PATCH", new URL(location).pathname);
      const hasArrived = await eventually(async () => {
        const status = await fetch(location);
        return status.headers.get("Range") === `0-${ARRIVED - 1}`;
      });
      expect(hasArrived).toBe(true);
      const rest = await fetch(location, {
        method: "PATCH",
        headers: { "Content-Range": `${ARRIVED}-${bytes.length - 1}` },
        body: bytes.subarray(ARRIVED),
      });
      await expectStatus(202, rest);
      await expectStatus(201, await fetch(`${location}?digest=${digest}`, { method: "PUT" }));
      const blob = await fetch(`${registry.url}/v2/x/blobs/${digest}`);
      expect(sha256(Buffer.from(await blob.arrayBuffer()))).toBe(digest);
    });

    test("leaves nothing when it was sent in one request", async () => {
      await using registry = await start();
      await sendPart(registry, "POST", `/v2/x/blobs/uploads/?digest=${digest}`);
      expect(await eventually(async () => filesOf(registry).length === 0)).toBe(true);
      await expectStatus(404, await fetch(`${registry.url}/v2/x/blobs/${digest}`));
    });

    test("leaves nothing once the registry ends", async () => {
      let ended: Deployment;
      {
        await using registry = await start();
        ended = registry;
        const begun = await fetch(`${registry.url}/v2/x/blobs/uploads/`, { method: "POST" });
        const location = begun.headers.get("Location") ?? "";
        await sendPart(registry, "PUT", `${location}?digest=${digest}`);
        await expectStatus(404, await fetch(`${registry.url}/v2/x/blobs/${digest}`));
        if (registry.directory !== undefined) expect(filesOf(registry)).toHaveLength(1);
      }
      expect(filesOf(ended)).toEqual([]);
    });
  });
}
