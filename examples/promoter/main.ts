/**
 * Promotes an image from one registry to another, as a step of a pipeline on GitHub: what was verified is what is copied, by its
 * digest. Takes INPUT_SOURCE, INPUT_DESTINATION and, for the signatures to ask for, INPUT_POLICY, the path of a policy.json.
 */
import { appendFile } from "node:fs/promises";
import { copy, ImageError, loadPolicy, openImage } from "skopeo-ts";

const insecure = process.env.INPUT_PLAIN_HTTP === "true" ? { tlsVerify: false } : undefined;

try {
  const digest = await promote(input("SOURCE"), input("DESTINATION"));
  await setOutput("digest", digest);
  console.log(`promoted ${digest}`);
} catch (error) {
  const code = error instanceof ImageError ? error.code : "FAILED";
  // GitHub shows such a line beside the step. It is one line, whatever the message holds.
  console.log(`::error title=${code}::${escapeData(error instanceof Error ? error.message : String(error))}`);
  process.exitCode = 1;
}

async function promote(source: string, destination: string): Promise<string> {
  const policy = process.env.INPUT_POLICY;
  const expectedDigest = await currentDigest(source);
  const { digest } = await copy(source, destination, {
    expectedDigest,
    preserveDigests: true,
    withReferrers: true,
    retry: { times: 3 },
    policy: policy ? await loadPolicy({ file: policy }) : "machine",
    sourceAccess: insecure,
    destinationAccess: insecure,
    signal: AbortSignal.timeout(15 * 60_000),
    onEvent: (event) => {
      if (event.kind === "retry")
        console.log(`::warning::attempt ${event.attempt} failed: ${escapeData(event.error)}`);
    },
  });
  return digest;
}

/** The tag may move while this runs: what it names now is what is promoted. */
async function currentDigest(source: string) {
  await using image = await openImage(source, { access: insecure });
  return image.raw.digest;
}

function input(name: string): string {
  const value = process.env[`INPUT_${name}`];
  if (value) return value;
  throw new Error(`INPUT_${name} is not set`);
}

async function setOutput(name: string, value: string): Promise<void> {
  const file = process.env.GITHUB_OUTPUT;
  if (file) await appendFile(file, `${name}=${value}\n`);
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
