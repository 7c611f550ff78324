/** An IP address as 16 bytes; version 4 is mapped into version 6 (RFC 4291, 2.5.5.2), so that both forms are equal. */
export type IpAddress = readonly number[];

const V4_PREFIX: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255];

/** The address that `text` is, without brackets; undefined when it is none. */
export function parseIpAddress(text: string): IpAddress | undefined {
  return text.includes(":") ? parseVersion6(text) : parseVersion4(text);
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(address: IpAddress): boolean {
  return isVersion4(address)
    ? address[12] === 127
    : address.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** An address and how many of its 128 bits count. */
export interface IpNetwork {
  readonly address: IpAddress;
  readonly bits: number;
}

/** `10.0.0.0/8`, `fd00::/8`; undefined when `text` is no network. */
export function parseIpNetwork(text: string): IpNetwork | undefined {
  const [, host = "", length = ""] = /^(.*)\/([0-9]{1,3})$/.exec(text) ?? [];
  const address = parseIpAddress(host);
  if (address === undefined) return undefined;
  const bits = Number(length) + (host.includes(":") ? 0 : 96);
  return bits <= 128 ? { address, bits } : undefined;
}

export function isInNetwork(address: IpAddress, network: IpNetwork): boolean {
  if (isVersion4(address) !== isVersion4(network.address)) return false;
  return address.every((byte, index) => {
    const counted = Math.max(0, Math.min(8, network.bits - index * 8));
    return (byte ^ (network.address[index] ?? 0)) >> (8 - counted) === 0;
  });
}

export function isSameAddress(one: IpAddress, other: IpAddress): boolean {
  return one.every((byte, index) => byte === other[index]);
}

function isVersion4(address: IpAddress): boolean {
  return V4_PREFIX.every((byte, index) => byte === address[index]);
}

function parseVersion4(text: string): IpAddress | undefined {
  const parts = text.split(".");
  const isDecimal = (part: string): boolean => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255;
  return parts.length === 4 && parts.every(isDecimal) ? [...V4_PREFIX, ...parts.map(Number)] : undefined;
}

/** The URL parser knows all spellings of version 6 and gives one: groups without leading zeros, `::` once at most. */
function parseVersion6(text: string): IpAddress | undefined {
  if (!URL.canParse(`http://[${text}]/`)) return undefined;
  const canonical = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const before = parseGroups(head);
  const after = parseGroups(tail ?? "");
  return [...before, ...new Array<number>(16 - before.length - after.length).fill(0), ...after];
}

function parseGroups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}
