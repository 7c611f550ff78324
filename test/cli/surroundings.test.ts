import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporary } from "../support/images.ts";
import { run } from "../support/run.ts";

const binary = process.env.SKOPEO_BINARY;
if (binary === undefined)
  console.error("LEFT OUT for want of SKOPEO_BINARY: files beside a user that configure a runtime");

/** A directory that somebody else has filled, such as a repository that was just cloned. */
function hostileDirectory(): string {
  const directory = temporary("hostile");
  const evil = 'console.log("RUN BY SKOPEO")';
  const files: Readonly<Record<string, string>> = {
    ".env": "HTTPS_PROXY=http://proxy.invalid:9\nREGISTRY_AUTH_FILE=auth.json\n",
    ".env.local": "CONTAINERS_REGISTRIES_CONF=registries.conf\n",
    "bunfig.toml": 'preload = ["./evil.ts"]\n',
    "evil.ts": evil,
    "package.json": '{"type":"module","imports":{"#x":"./evil.ts"}}',
    "tsconfig.json": '{"compilerOptions":{"paths":{"*":["./evil.ts"]}}}',
    "auth.json": '{"auths":{"docker.io":{"auth":"ZXZpbDpldmls"}}}',
    "registries.conf": 'unqualified-search-registries = ["evil.example.com"]\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

test.skipIf(binary === undefined)("what lies in the directory of a user changes nothing", async () => {
  const words = [binary ?? "", "config", "check", "docker.io/library/alpine"];
  const env = { HOME: temporary("home") };
  const outcome = await run(words, { cwd: hostileDirectory(), env });
  expect(outcome).toEqual(await run(words, { cwd: temporary("empty"), env }));
  expect(outcome.stdout + outcome.stderr).not.toMatch(/RUN BY|proxy\.invalid|evil/);
});
