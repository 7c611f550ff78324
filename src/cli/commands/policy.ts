import { SourceSignatures } from "../../copy/source-signatures.ts";
import type { RawManifest } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import type { ImageReference, ImageSource } from "../../core/image.ts";
import { isIndexType } from "../../core/media-type.ts";
import type { Signature } from "../../core/signature.ts";
import { parseIndex } from "../../format/manifest.ts";
import { resolveInstance } from "../../format/resolve-instance.ts";
import { judgeImage, loadPolicy, type PolicyInForce, type PolicyJudgement } from "../../policy/policy.ts";
import { CodedFailure, type Command, defineCommand, type Invocation, UsageError } from "../command.ts";
import type { FlagTableOf } from "../flag.ts";
import {
  type AuthFileFlagTable,
  authFileFlags,
  type RegistryFlagTable,
  readImageAccess,
  registryFlags,
} from "../flags/image-flags.ts";
import { type ImageJudgement, policyReportJson, policyReportText } from "../render/policy-report.ts";
import { createEnvironment, parseArgument, wantedPlatform } from "../session.ts";

type Flags = AuthFileFlagTable & RegistryFlagTable & FlagTableOf<{ all: "boolean"; json: "boolean" }>;

export const command: Command = defineCommand<Flags>({
  name: "policy",
  synopsis: "check IMAGE",
  summary: "Show whether the trust policy allows an image, and why",
  description:
    "Tells which requirements of the policy apply to the image, from which line of the file, and whether the image meets them: signatures are read and verified as for a copy, and nothing is copied. Of an index the image for this platform is judged, or all of them. The exit code is 1 if an image is refused.",
  examples: [
    { purpose: "before a deployment", command: "policy check docker://registry.example.com/app:1.0" },
    {
      purpose: "with a policy that is not in force yet",
      command: "--policy new-policy.json policy check --all docker://registry.example.com/app:1.0",
    },
  ],
  flags: {
    ...authFileFlags,
    ...registryFlags,
    all: { kind: "boolean", short: "a", group: "Source", summary: "judge every image of an index" },
    json: { kind: "boolean", group: "Output", summary: "print one JSON object" },
  },
  helpOnMisuse: true,
  run,
});

async function run(invocation: Invocation<Flags>): Promise<void> {
  const { flags, globals, signal, stdout, log } = invocation;
  const [verb, name, ...others] = invocation.arguments;
  if (verb !== "check") throw new UsageError('The only thing that "policy" does is "policy check IMAGE"');
  if (name === undefined || others.length > 0) throw new UsageError("Exactly one image expected");
  const inForce = await loadPolicy({
    file: globals.policyPath,
    insecurePolicy: globals.insecurePolicy,
    requireSigned: globals.requireSigned,
    debug: (message) => log.debug(message),
  });
  const environment = createEnvironment(invocation);
  const reference = await parseArgument(environment, "source", name, readImageAccess(flags, globals));
  if (reference.openSource === undefined) {
    throw new ImageError("UNSUPPORTED_OPERATION", `${reference.transport.name}: images cannot be read`);
  }
  await using source = await reference.openSource({ signal });
  const signatures = new SourceSignatures(source);
  const judgements: ImageJudgement[] = [];
  for (const { manifest, instance } of await chooseImages(source, reference, invocation)) {
    const judgement = await judge(inForce, reference, signatures, { manifest, instance }, signal);
    judgements.push({ digest: manifest.digest, judgement });
  }
  const report = { reference, policy: inForce, judgements };
  stdout.write(flags.json ? policyReportJson(report) : policyReportText(report));
  const refused = judgements.filter(({ judgement }) => judgement.refusedBecause !== undefined).length;
  if (refused === 0) return;
  throw new CodedFailure(`the policy refuses ${refused} of ${judgements.length} images`, 1);
}

/** An image to judge; an instance of an index has signatures under its own digest. */
interface ChosenImage {
  readonly manifest: RawManifest;
  readonly instance: Digest | undefined;
}

/** Those that a copy with the same choice would copy. */
async function chooseImages(
  source: ImageSource,
  reference: ImageReference,
  { flags, globals, signal }: Invocation<Flags>,
): Promise<readonly ChosenImage[]> {
  const topLevel = await source.readManifest(undefined, { signal });
  if (!isIndexType(topLevel.mediaType)) return [{ manifest: topLevel, instance: undefined }];
  const read = (digest: Digest): Promise<RawManifest> => source.readManifest(digest, { signal });
  if (flags.all) return await allImages(topLevel, read);
  const what = `choosing an image from manifest list ${reference.transport.name}:${reference.text}`;
  const manifest = await resolveInstance(topLevel, await wantedPlatform(globals), what, read);
  return [{ manifest, instance: manifest.digest }];
}

/** Indexes may be nested; one that has no images is judged itself. */
async function allImages(
  index: RawManifest,
  read: (digest: Digest) => Promise<RawManifest>,
): Promise<readonly ChosenImage[]> {
  const images: ChosenImage[] = [];
  for (const { digest } of parseIndex(index).manifests) {
    const manifest = await read(digest);
    if (isIndexType(manifest.mediaType)) images.push(...(await allImages(manifest, read)));
    else images.push({ manifest, instance: digest });
  }
  return images;
}

/** Signatures that cannot be read refuse an image; the reason is told like any other. */
async function judge(
  inForce: PolicyInForce,
  reference: ImageReference,
  signatures: SourceSignatures,
  { manifest, instance }: ChosenImage,
  signal: AbortSignal,
): Promise<PolicyJudgement> {
  const readSignatures = async (): Promise<readonly Signature[]> =>
    await signatures.read(instance, { signal });
  try {
    return await judgeImage(inForce, { reference, manifest, readSignatures }, { signal });
  } catch (error) {
    signal.throwIfAborted();
    return { section: "", verdicts: [], refusedBecause: errorMessage(error) };
  }
}
