import { describe, expect, test } from "bun:test";
import { config, enums, type PrivateKey, reformatKey, revokeKey, SignaturePacket } from "openpgp";
import { readPackets } from "../../../src/signing/openpgp/packets.ts";
import { fixture } from "../fixtures.ts";
import { DAY, fixtureKey, newKey, secretPacket, sign, verdict } from "./messages.ts";

const bytesOf = (key: PrivateKey): Uint8Array => key.toPublic().write();
const REVOKED = "Invalid GPG signature: Primary key is revoked";

describe("a key", () => {
  test("that is in the keyring is believed", async () => {
    const key = await newKey();
    expect(await verdict(await sign(secretPacket(key)), [bytesOf(key)])).toBe("accepted");
  });

  test("that nobody gave is not", async () => {
    const [key, other] = await Promise.all([newKey(), newKey()]);
    const message = await sign(secretPacket(key));
    const reason = `Invalid GPG signature: no public key with ID ${key.getKeyID().toHex().toUpperCase()}`;
    expect(await verdict(message, [bytesOf(other)])).toBe(reason);
    expect(await verdict(message, [])).toBe(reason);
  });

  test("that has expired since it signed counts no more, and did before", async () => {
    const key = await newKey({ days: 10, keyExpirationTime: (5 * DAY) / 1000 });
    const message = await sign(secretPacket(key), { date: new Date(Date.now() - 9 * DAY) });
    expect(await verdict(message, [bytesOf(key)])).toBe("Invalid GPG signature: Primary key is expired");
    expect(await verdict(message, [bytesOf(key)], Date.now() - 6 * DAY)).toBe("accepted");
  });

  test("that was renewed still vouches for what it signed before that", async () => {
    const key = await newKey({ days: 10, keyExpirationTime: (5 * DAY) / 1000 });
    const message = await sign(secretPacket(key), { date: new Date(Date.now() - 9 * DAY) });
    const { privateKey } = await reformatKey({
      privateKey: key,
      userIDs: { name: "Test" },
      keyExpirationTime: (50 * DAY) / 1000,
      format: "object",
    });
    expect(await verdict(message, [bytesOf(privateKey)])).toBe("accepted");
    expect(await verdict(message, [bytesOf(key), bytesOf(privateKey)])).toBe("accepted");
  });

  test("that was shortened is not saved by an old copy of it", async () => {
    const key = await newKey({ days: 10 });
    const message = await sign(secretPacket(key), { date: new Date(Date.now() - 9 * DAY) });
    const { privateKey } = await reformatKey({
      privateKey: key,
      userIDs: { name: "Test" },
      keyExpirationTime: (5 * DAY) / 1000,
      format: "object",
    });
    const copies = [bytesOf(key), bytesOf(privateKey)];
    for (const keys of [copies, copies.toReversed(), [Buffer.concat(copies)]]) {
      expect(await verdict(message, keys)).toBe("Invalid GPG signature: Primary key is expired");
    }
  });

  test("that is younger than the signature has not made it", async () => {
    const key = await newKey({ days: 1 });
    const message = await sign(secretPacket(key), { date: new Date(Date.now() - 2 * DAY) });
    const reason = "Invalid GPG signature: the signature is older than its key";
    expect(await verdict(message, [bytesOf(key)])).toBe(reason);
  });

  test("that is revoked counts no more, for whatever reason and whenever it signed", async () => {
    const key = await newKey();
    const message = await sign(secretPacket(key), { date: new Date(Date.now() - 20 * DAY) });
    for (const flag of [
      enums.reasonForRevocation.noReason,
      enums.reasonForRevocation.keySuperseded,
      enums.reasonForRevocation.keyRetired,
      enums.reasonForRevocation.keyCompromised,
    ]) {
      const { privateKey } = await revokeKey({ key, reasonForRevocation: { flag }, format: "object" });
      expect(await verdict(message, [bytesOf(privateKey)])).toBe(REVOKED);
    }
  });

  test("that is revoked in one place is so in all places", async () => {
    const key = await newKey();
    const message = await sign(secretPacket(key));
    const { privateKey: revoked } = await revokeKey({ key, format: "object" });
    const copies = [bytesOf(key), bytesOf(revoked)];
    for (const keys of [copies, copies.toReversed(), [Buffer.concat(copies)]]) {
      expect(await verdict(message, keys)).toBe(REVOKED);
    }
  });

  test("is not saved from a revocation by a copy with one that does not hold", async () => {
    const key = await newKey();
    const message = await sign(secretPacket(key));
    const { privateKey: revoked } = await revokeKey({ key, format: "object" });
    const damaged = bytesOf(revoked);
    const revocation = readPackets(damaged)[1];
    if (revocation === undefined) throw new Error("no revocation");
    damaged[revocation.end - 3] = (damaged[revocation.end - 3] ?? 0) ^ 1;
    expect(await verdict(message, [damaged])).toBe("accepted");
    expect(await verdict(message, [damaged, bytesOf(revoked)])).toBe(REVOKED);
  });

  test("is not revoked by what somebody else signed", async () => {
    const [key, other] = await Promise.all([newKey(), newKey()]);
    const message = await sign(secretPacket(key));
    const forged = new SignaturePacket();
    forged.signatureType = enums.signature.keyRevocation;
    forged.publicKeyAlgorithm = other.keyPacket.algorithm;
    forged.hashAlgorithm = enums.hash.sha512;
    await Reflect.apply(forged.sign, forged, [
      other.keyPacket,
      { key: key.keyPacket },
      new Date(),
      false,
      config,
    ]);
    const mixed = key.toPublic();
    mixed.revocationSignatures.push(forged);
    expect(await verdict(message, [mixed.write()])).toBe("accepted");
  });

  test("of RSA with few bits is too weak", async () => {
    const key = await newKey({ type: "rsa", rsaBits: 1024, config: { minRSABits: 1024 } });
    expect(await verdict(await sign(secretPacket(key)), [bytesOf(key)])).toEndWith(
      "RSA keys shorter than 2047 bits are considered too weak.",
    );
  });

  test("that may only certify signs nothing, though its subkey does", async () => {
    const key = await fixtureKey("subkey");
    const [subkey] = key.subkeys;
    if (subkey === undefined) throw new Error("no subkey");
    const keys = [fixture("gpg/subkey.pub.gpg")];
    expect(await verdict(await sign(secretPacket(subkey)), keys)).toBe("accepted");
    expect(await verdict(await sign(secretPacket(key)), keys)).toMatch(
      /^Invalid GPG signature: Could not find valid signing key packet in key 34a5510a669a1cd1$/,
    );
  });
});

describe("a subkey", () => {
  const keyWith = async (subkey: { sign?: boolean; keyExpirationTime?: number }) => {
    const key = await newKey({ days: 10, subkeys: [{ sign: true, type: "rsa", rsaBits: 2048, ...subkey }] });
    const [made] = key.subkeys;
    if (made === undefined) throw new Error("no subkey");
    return {
      key,
      subkey: made,
      message: await sign(secretPacket(made), { date: new Date(Date.now() - 9 * DAY) }),
    };
  };

  test("that may sign is believed", async () => {
    const { key, message } = await keyWith({});
    expect(await verdict(message, [bytesOf(key)])).toBe("accepted");
  });

  test("for encryption signs nothing", async () => {
    const { key, message } = await keyWith({ sign: false });
    expect(await verdict(message, [bytesOf(key)])).toStartWith(
      "Invalid GPG signature: Could not find valid signing key packet",
    );
  });

  test("that has expired counts no more, and did before", async () => {
    const { key, message } = await keyWith({ keyExpirationTime: (5 * DAY) / 1000 });
    expect(await verdict(message, [bytesOf(key)])).toEndWith("Subkey is expired");
    expect(await verdict(message, [bytesOf(key)], Date.now() - 6 * DAY)).toBe("accepted");
  });

  test("that is revoked counts no more, in whatever copy that is said", async () => {
    const { key, subkey, message } = await keyWith({});
    const before = bytesOf(key);
    key.subkeys = [await Reflect.apply(subkey.revoke, subkey, [secretPacket(key), {}, new Date(), config])];
    const copies = [before, bytesOf(key)];
    for (const keys of [[bytesOf(key)], copies, copies.toReversed()]) {
      expect(await verdict(message, keys)).toEndWith("Subkey is revoked");
    }
  });

  test("goes with its key: what is revoked or expired there is so here", async () => {
    const { key, message } = await keyWith({});
    const { privateKey: revoked } = await revokeKey({ key, format: "object" });
    expect(await verdict(message, [bytesOf(revoked)])).toBe(REVOKED);
  });

  test("of another key cannot be made one's own, for it must have agreed", async () => {
    const { subkey, message } = await keyWith({});
    const thief = await newKey({ days: 10 });
    const binding = new SignaturePacket();
    binding.signatureType = enums.signature.subkeyBinding;
    binding.publicKeyAlgorithm = thief.keyPacket.algorithm;
    binding.hashAlgorithm = enums.hash.sha512;
    binding.keyFlags = Uint8Array.of(enums.keyFlags.signData);
    const bound = { key: thief.keyPacket, bind: subkey.keyPacket };
    await Reflect.apply(binding.sign, binding, [thief.keyPacket, bound, new Date(), false, config]);
    const [own] = (await newKey({ subkeys: [{ sign: true }] })).subkeys;
    if (own === undefined) throw new Error("no subkey");
    const stolen = Object.assign(own, { keyPacket: subkey.keyPacket, bindingSignatures: [binding] });
    thief.subkeys = [stolen];
    expect(await verdict(message, [bytesOf(thief)])).toEndWith("Missing embedded signature");
  });
});
