import { type DockerName, formatDockerName, parseDockerName, repositoryName } from "../core/docker-name.ts";
import type { IdentityRule } from "./trust.ts";

/**
 * Whether a signature for `signed`, the reference as written in it, counts for an image that goes by the name `image`;
 * undefined is an image without a name. Signing reference 1.7.
 */
export function acceptsIdentity(rule: IdentityRule, signed: string, image: DockerName | undefined): boolean {
  if (rule.type === "matchDigestOnly") return true;
  const signature = tryParse(signed);
  if (signature === undefined) return false;
  switch (rule.type) {
    case "matchExact":
      return image !== undefined && isSameReference(signature, image);
    case "matchRepoDigestOrExact":
      return image !== undefined && matchesRepoDigestOrExact(signature, image);
    case "matchRepository":
      return image !== undefined && repositoryName(signature) === repositoryName(image);
    case "exactReference":
      return isSameReference(signature, parseDockerName(rule.dockerReference));
    case "exactRepository":
      return repositoryName(signature) === repositoryName(parseDockerName(rule.dockerRepository));
    case "remapIdentity": {
      const remapped = image === undefined ? undefined : remap(image, rule.prefix, rule.signedPrefix);
      return remapped !== undefined && matchesRepoDigestOrExact(signature, remapped);
    }
  }
}

function isSameReference(signature: DockerName, image: DockerName): boolean {
  return (
    !isNameOnly(signature) && !isNameOnly(image) && formatDockerName(signature) === formatDockerName(image)
  );
}

/** A digest says by itself which image is meant, so that the signature needs to vouch for the name only. */
function matchesRepoDigestOrExact(signature: DockerName, image: DockerName): boolean {
  if (isNameOnly(signature) || isNameOnly(image)) return false;
  if (image.tag !== undefined) return formatDockerName(signature) === formatDockerName(image);
  return repositoryName(signature) === repositoryName(image);
}

/** Undefined where the outcome is no fully qualified reference. */
function remap(image: DockerName, prefix: string, signedPrefix: string): DockerName | undefined {
  const name = repositoryName(image);
  if (name !== prefix && !name.startsWith(`${prefix}/`)) return image;
  const text = signedPrefix + formatDockerName(image).slice(prefix.length);
  const remapped = tryParse(text);
  return remapped !== undefined && formatDockerName(remapped) === text ? remapped : undefined;
}

function isNameOnly({ tag, digest }: DockerName): boolean {
  return tag === undefined && digest === undefined;
}

function tryParse(text: string): DockerName | undefined {
  try {
    return parseDockerName(text);
  } catch {
    return undefined;
  }
}
