import type { EndpointReport, RegistryReport } from "../../environment/configuration-report.ts";
import type { PolicyRequirement } from "../../policy/requirement.ts";
import type { KeySource, SigstoreAuthority } from "../../signing/trust.ts";
import type { ConfigurationReport, PolicyReport, SignaturesReport } from "../commands/config.ts";

/** A line of text and those that explain it. */
type Row = readonly [label: string, text: string];

const WIDTH = 14;

/** The report of `config check`, for people. */
export function configurationText({ image, registry, signatures, policy }: ConfigurationReport): string {
  const rows = [
    row("Image", image),
    ...(registry === undefined ? [] : registryRows(registry)),
    ...(signatures === undefined ? [] : signatureRows(signatures)),
    ...policyRows(policy),
  ];
  return `${rows.map(([label, text]) => `${label.padEnd(WIDTH)}${text}`.trimEnd()).join("\n")}\n`;
}

function row(label: string, text: string): Row {
  return [label, text];
}

function registryRows(report: RegistryReport): readonly Row[] {
  const { registriesFiles, table, readFrom, refused, writeTo } = report;
  return [
    row("Registries", registriesFiles.join(", ") || "no registries.conf"),
    ...(table === undefined ? [] : [row("", tableText(table))]),
    ...shortNameRows(report.shortName),
    ...readFrom.flatMap((endpoint, index) => [
      row(
        index === 0 ? "Read from" : "",
        `${index + 1}. ${endpoint.name}${endpoint.isMirror ? " (mirror)" : ""}`,
      ),
      ...endpointRows(endpoint),
    ]),
    ...refused.map(({ name, reason }) => row("Not asked", `${name}: ${reason}`)),
    ...writeRows(readFrom, writeTo),
  ];
}

function tableText({
  prefix,
  file,
  location,
  insecure,
  blocked,
}: NonNullable<RegistryReport["table"]>): string {
  const rewriting = location === "" || location === prefix ? "" : `, rewritten to ${location}`;
  return `[[registry]] ${prefix} in ${file}${rewriting}${insecure ? ", insecure" : ""}${blocked ? ", blocked" : ""}`;
}

function shortNameRows(report: RegistryReport["shortName"]): readonly Row[] {
  if (report === undefined) return [];
  const { alias, searchRegistries, mode } = report;
  if (alias !== undefined) return [row("Short name", `podman takes ${alias.target}, by ${alias.file}`)];
  if (searchRegistries.length === 0) return [];
  return [row("Short name", `podman searches ${searchRegistries.join(", ")} (${mode})`)];
}

/** The place to write to is most often the last one to read from: then nothing is said twice. */
function writeRows(readFrom: RegistryReport["readFrom"], writeTo: RegistryReport["writeTo"]): readonly Row[] {
  if ("blocked" in writeTo) return [row("Write to", `nowhere: ${writeTo.blocked}`)];
  const index = readFrom.findIndex((endpoint) => JSON.stringify(endpoint) === JSON.stringify(writeTo));
  if (index >= 0) return [row("Write to", `${writeTo.name}, as ${index + 1}`)];
  return [row("Write to", writeTo.name), ...endpointRows(writeTo)];
}

function endpointRows({ tlsVerify, credentials, certificates, proxy }: EndpointReport): readonly Row[] {
  const verify = tlsVerify.value ? "HTTPS, verified" : "not verified, HTTP allowed";
  return [
    row("", `   TLS           ${verify} (${tlsVerify.source})`),
    row("", `   Credentials   ${credentialsText(credentials)}`),
    row("", `   Certificates  ${certificatesText(certificates)}`),
    row("", `   Proxy         ${proxyText(proxy)}`),
  ];
}

function credentialsText(report: EndpointReport["credentials"]): string {
  if ("problem" in report) return `cannot be read: ${report.problem}`;
  if (report.kind === "none") return "none found; anonymous";
  const user = report.username ? `${report.username}, ` : "";
  return `${user}${report.kind} from ${report.source}`;
}

function certificatesText(report: EndpointReport["certificates"]): string {
  if ("problem" in report) return `cannot be read: ${report.problem}`;
  const { directory, authorities, clients, fromEnvironment } = report;
  const parts = [
    "the system's authorities",
    ...(directory === undefined ? [] : [`${authorities} of ${directory}`]),
    ...(fromEnvironment === 0 ? [] : [`${fromEnvironment} of $SSL_CERT_FILE and $SSL_CERT_DIR`]),
    ...clients.map((client) => `client certificate ${client}`),
  ];
  return parts.join(", ");
}

function proxyText(report: EndpointReport["proxy"]): string {
  if ("problem" in report) return `cannot be used: ${report.problem}`;
  if (report.url === undefined) return "none";
  if (report.notUsedFor !== undefined) return `none: ${report.url} is not used for ${report.notUsedFor}`;
  return `${report.url} (${report.variable})`;
}

function signatureRows(report: SignaturesReport): readonly Row[] {
  if ("problem" in report) return [row("Signatures", `cannot be used: ${report.problem}`)];
  const { read, write, useSigstoreAttachments: attachments } = report;
  const origin = ({ file }: { readonly file: string | undefined }): string => file ?? "default";
  return [
    row("Signatures", `read from ${read.value} (${origin(read)})`),
    ...(write.value === read.value ? [] : [row("", `written to ${write.value} (${origin(write)})`)]),
    row("", `sigstore attachments ${attachments.value ? "used" : "not used"} (${origin(attachments)})`),
  ];
}

function policyRows(policy: PolicyReport): readonly Row[] {
  if ("problem" in policy) return [row("Policy", `cannot be used: ${policy.problem}`)];
  const { file, section, requirements, requireSigned } = policy;
  if (file === undefined) return [row("Policy", "none: every image is accepted")];
  return [
    row("Policy", `${file}, ${section}`),
    ...requirements.map((requirement) => row("", `   ${requirementText(requirement)}`)),
    ...(requireSigned ? [row("", "   and a verified signature, by --require-signed")] : []),
  ];
}

/** A requirement in words, as far as they fit a line. */
export function requirementText(requirement: PolicyRequirement): string {
  switch (requirement.type) {
    case "insecureAcceptAnything":
      return "insecureAcceptAnything: no signature is needed";
    case "reject":
      return "reject: never";
    case "signedBaseLayer":
      return "signedBaseLayer";
    case "signedBy":
      return `signedBy: ${keysText(requirement.keys)}, ${requirement.signedIdentity.type}`;
    case "sigstoreSigned":
      return `sigstoreSigned: ${sigstoreText(requirement.authority)}, ${requirement.signedIdentity.type}`;
  }
}

function sigstoreText(authority: SigstoreAuthority): string {
  return authority.kind === "keys" ? keysText(authority.keys) : authority.kind;
}

function keysText(keys: KeySource): string {
  return keys.kind === "paths" ? `keys of ${keys.paths.join(", ")}` : "keys in the policy";
}
