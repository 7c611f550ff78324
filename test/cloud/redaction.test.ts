import { describe, expect, test } from "bun:test";
import { secretsOf, withoutSecrets } from "../../src/cloud/redaction.ts";

const SECRET = 'p/w+"7f3a91';

describe("what a service said", () => {
  const FORMS = [
    ["as it is", SECRET],
    ["in a form", encodeURIComponent(SECRET)],
    ["in JSON", JSON.stringify(SECRET)],
    ["in Base64", Buffer.from(SECRET).toString("base64")],
  ] as const;
  for (const [what, form] of FORMS) {
    test(`is shown without a secret ${what}`, () => {
      const text = withoutSecrets(`you sent ${form} to us`, [SECRET]);
      expect(text).toMatch(/^you sent "?\(withheld\)=*"? to us$/);
    });
  }

  test("is shown without a secret that holds another", () => {
    expect(withoutSecrets("sent abcdefgh", ["abcd", "abcdefgh"])).toBe("sent (withheld)");
  });

  test("is shown without what looks like a token", () => {
    const token = `eyJ${"a1B2".repeat(12)}.${"c3-_".repeat(9)}.sig`;
    expect(withoutSecrets(`bad token ${token}, sorry`, [])).toBe("bad token (withheld), sorry");
  });

  test("keeps the names that a user looks for", () => {
    const text =
      "User: arn:aws:sts::123456789012:assumed-role/deploy/i-0abc is not authorized; tenant 11111111-2222-3333-4444-555555555555, AADSTS7000215";
    expect(withoutSecrets(text, [])).toBe(text);
  });

  test("is one line of bounded length", () => {
    const text = withoutSecrets(`first\n  second ${"word ".repeat(500)}`, []);
    expect(text).toStartWith("first second word");
    expect(text.length).toBeLessThan(410);
  });
});

test("the secrets among variables are those by name, not the places where secrets are", () => {
  const env = {
    AWS_SECRET_ACCESS_KEY: "s1",
    AWS_SESSION_TOKEN: "s2",
    AZURE_CLIENT_SECRET: "s3",
    AZURE_CLIENT_CERTIFICATE_PASSWORD: "s4",
    GITHUB_TOKEN: "s5",
    AWS_WEB_IDENTITY_TOKEN_FILE: "/a/path",
    AZURE_CLIENT_ID: "an id",
    PATH: "/bin",
    UNSET_TOKEN: undefined,
  };
  expect(secretsOf(env)).toEqual(["s1", "s2", "s3", "s4", "s5"]);
});
