/** A company whose registries take short-lived logins that can be made from an identity of its cloud. */
export type Cloud = "ecr" | "ecr-public" | "google" | "azure" | "github";

export interface EcrHost {
  readonly cloud: "ecr";
  readonly host: string;
  readonly region: string;
  readonly fips: boolean;
  readonly dualStack: boolean;
}

export interface OtherHost {
  readonly cloud: Exclude<Cloud, "ecr">;
  readonly host: string;
}

/** A registry of a cloud. `host` has neither port nor capital letters. */
export type CloudHost = EcrHost | OtherHost;

/** An account's registry: over IPv4 below amazonaws.com, over IPv6 as well below on.aws. */
const ECR = /^[0-9]{12}\.dkr([.-])ecr(-fips)?\.([a-z]{2,4}(?:-[a-z]+){1,3}-[0-9]{1,2})\.([a-z.]+)$/;
/** The domains of AWS: whether with two stacks, and whether in China, where the company is another. */
const ECR_DOMAINS: Readonly<
  Record<string, { readonly separator: string; readonly china: boolean } | undefined>
> = {
  "amazonaws.com": { separator: ".", china: false },
  "amazonaws.com.cn": { separator: ".", china: true },
  "on.aws": { separator: "-", china: false },
  "on.amazonwebservices.com.cn": { separator: "-", china: true },
};
const GOOGLE =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+pkg\.dev$|^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)?gcr\.io$/;
const AZURE = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.azurecr\.(?:io|cn|us)$/;

/** Which cloud's registry `host[:port]` is; undefined for all other registries. */
export function parseCloudHost(registry: string): CloudHost | undefined {
  const host = registry.toLowerCase().replace(/:443$/, "");
  if (host === "ghcr.io") return { cloud: "github", host };
  if (host === "public.ecr.aws") return { cloud: "ecr-public", host };
  if (GOOGLE.test(host)) return { cloud: "google", host };
  if (AZURE.test(host)) return { cloud: "azure", host };
  return parseEcrHost(host);
}

function parseEcrHost(host: string): EcrHost | undefined {
  const [, separator, fips, region = "", domain = ""] = ECR.exec(host) ?? [];
  const traits = Object.hasOwn(ECR_DOMAINS, domain) ? ECR_DOMAINS[domain] : undefined;
  if (traits === undefined || traits.separator !== separator) return undefined;
  // A login is made in the region's own part of AWS and must not be sent to the other.
  if (traits.china !== region.startsWith("cn-")) return undefined;
  return { cloud: "ecr", host, region, fips: fips !== undefined, dualStack: separator === "-" };
}

/** Whether everybody may read images there, as far as the host's name tells. */
export function servesPublicImages(host: CloudHost): boolean {
  return host.cloud === "ecr-public" || host.host === "gcr.io" || host.host.endsWith(".gcr.io");
}
