import { readFile } from "node:fs/promises";

/** Node's names for processors, where Go's differ. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

/** The machine in GOOS and GOARCH terms, with the variant of an ARM processor. */
export async function hostPlatform(): Promise<{ os: string; architecture: string; variant: string }> {
  const os = process.platform === "win32" ? "windows" : process.platform;
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  return { os, architecture, variant: await armVariant(os, architecture) };
}

async function armVariant(os: string, architecture: string): Promise<string> {
  if (architecture !== "arm" && architecture !== "arm64") return "";
  if (os !== "linux") return architecture === "arm64" ? "v8" : "v7";
  try {
    return variantFromCpuinfo(await readFile("/proc/cpuinfo", "utf8"));
  } catch {
    return "";
  }
}

/** The ARM variant by what Linux says of the first core; "" when it says nothing usable. */
export function variantFromCpuinfo(cpuinfo: string): string {
  const field = (name: string): string =>
    new RegExp(`^${name}\\s*:\\s*(.*)$`, "m").exec(cpuinfo)?.[1]?.trim() ?? "";
  const architecture = field("CPU architecture");
  if (architecture === "8" || architecture.toLowerCase() === "aarch64") return "v8";
  if (architecture === "7") return field("model name").startsWith("ARMv6-compatible") ? "v6" : "v7";
  if (/^(7M|\?\((12|13|14|15|16|17)\))$/i.test(architecture)) return "v7";
  if (architecture === "6" || architecture === "6TEJ") return "v6";
  if (architecture.startsWith("5")) return "v5";
  if (architecture.startsWith("4")) return "v4";
  return architecture === "3" ? "v3" : "";
}
