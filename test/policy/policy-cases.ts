/** A policy and why it must not load; undefined when it must. */
export interface PolicyCase {
  readonly policy: string;
  readonly error: string | undefined;
  /** The message says the same as that of skopeo, in other words. */
  readonly ownWords?: true;
}

const accept = '[{"type":"insecureAcceptAnything"}]';
const digest = `sha256:${"01".repeat(32)}`;
const id = "01".repeat(32);

function loads(policy: string): PolicyCase {
  return { policy, error: undefined };
}

function fails(policy: string, error: string): PolicyCase {
  return { policy, error };
}

function differs(policy: string, error: string): PolicyCase {
  return { policy, error, ownWords: true };
}

const structure: readonly PolicyCase[] = [
  loads(`{"default":${accept}}`),
  loads(`\n {"default" : ${accept} , "transports" : { } } \n`),
  loads(`{"\\u0064efault":${accept}}`),
  loads(`{"default":[{"type":"reject"},{"type":"insecureAcceptAnything"}]}`),
  fails("", "unexpected end of JSON input"),
  fails("{", "unexpected end of JSON input"),
  fails('{"default"', "unexpected end of JSON input"),
  fails('{"default":', "unexpected end of JSON input"),
  fails('{"default":"x', "unexpected end of JSON input"),
  fails('{"default":}', "invalid character '}' looking for beginning of value (line 1, column 12)"),
  fails('{"default" 1}', "invalid character '1' after object key (line 1, column 12)"),
  fails('{"default":1 2}', "invalid character '2' after object key:value pair (line 1, column 14)"),
  fails('{"default":[1 2]}', "invalid character '2' after array element (line 1, column 15)"),
  fails(
    '{\n  "default":[{"type":"reject",}]}',
    "invalid character '}' looking for beginning of object key string (line 2, column 31)",
  ),
  fails(
    '{"default":[{"type":"reject"},]}',
    "invalid character ']' looking for beginning of value (line 1, column 31)",
  ),
  fails(`{"default":${accept}} {}`, "invalid character '{' after top-level value (line 1, column 49)"),
  fails(`{"default":${accept}} // c`, "invalid character '/' after top-level value (line 1, column 49)"),
  fails(
    `/* c */ {"default":${accept}}`,
    "invalid character '/' looking for beginning of value (line 1, column 1)",
  ),
  fails("{'default':1}", "invalid character '\\'' looking for beginning of object key string"),
  fails('{"default":"\\x"}', "invalid character 'x' in string escape code (line 1, column 14)"),
  fails(
    '{"default":"\\u00g0"}',
    "invalid character 'g' in \\u hexadecimal character escape (line 1, column 17)",
  ),
  fails('{"default":"a\tb"}', "invalid character '\\t' in string literal (line 1, column 14)"),
  fails('{"default":-x}', "invalid character 'x' in numeric literal (line 1, column 13)"),
  differs('{"default":nul}', "invalid character 'n' looking for beginning of value (line 1, column 12)"),
  differs(`\ufeff{"default":${accept}}`, "invalid character '\ufeff' looking for beginning of value"),
  differs("null", "JSON object expected, got null"),
  differs("[]", "JSON object expected, got array"),
  fails(`{"Default":${accept}}`, 'Unknown key "Default"'),
  fails(`{"default":${accept},"x":1}`, 'Unknown key "x"'),
  fails(`{"default":${accept},"default":${accept}}`, 'Duplicate key "default"'),
  fails(`{"default":${accept},"d\\u0065fault":${accept}}`, 'Duplicate key "default"'),
  fails("{}", "Default policy is missing"),
  fails('{"transports":{}}', "Default policy is missing"),
  fails('{"default":[]}', "List of verification policy requirements must not be empty"),
  fails('{"default":null}', "List of verification policy requirements must not be empty"),
  differs('{"default":{}}', "JSON array of policy requirements expected, got object"),
  differs('{"default":"x"}', "JSON array of policy requirements expected, got string"),
  differs(`{"default":${accept},"transports":null}`, "JSON object expected, got null"),
  differs(`{"default":${accept},"transports":[]}`, "JSON object expected, got array"),
  differs(`{"default":${accept},"transports":{"dir":null}}`, "JSON object expected, got null"),
  loads(`{"default":${accept},"transports":{"dir":{}}}`),
  fails(
    `{"default":${accept},"transports":{"dir":{"/a":[]}}}`,
    "List of verification policy requirements must not be empty",
  ),
  fails(
    `{"default":${accept},"transports":{"nosuch":{"a":[]}}}`,
    "List of verification policy requirements must not be empty",
  ),
  fails(`{"default":${accept},"transports":{"dir":{},"dir":{}}}`, 'Duplicate key "dir"'),
  fails(
    `{"default":${accept},"transports":{"docker":{"a.b":${accept},"a.b":${accept}}}}`,
    'Duplicate key "a.b"',
  ),
];

const requirements: readonly PolicyCase[] = [
  fails("null", 'Unknown policy requirement type ""'),
  fails("{}", 'Unknown policy requirement type ""'),
  fails('{"type":null}', 'Unknown policy requirement type ""'),
  fails('{"type":"bogus"}', 'Unknown policy requirement type "bogus"'),
  differs('{"type":1}', 'JSON string expected for key "type", got number'),
  differs("1", "JSON object expected, got number"),
  differs('"reject"', "JSON object expected, got string"),
  differs("[]", "JSON object expected, got array"),
  fails('{"type":"reject","type":"reject"}', 'Duplicate key "type"'),
  fails('{"type":"insecureAcceptAnything","x":1}', 'Unknown key "x"'),
  fails('{"type":"reject","x":1}', 'Unknown key "x"'),
  loads('{"type":"signedBaseLayer","baseLayerIdentity":{"type":"matchExact"}}'),
  fails('{"type":"signedBaseLayer","baseLayerIdentity":null}', 'Unknown policy reference match type ""'),
  fails('{"type":"signedBaseLayer","baseLayerIdentity":{"type":"matchExact"},"x":1}', 'Unknown key "x"'),
].map((entry) => ({ ...entry, policy: `{"default":[${entry.policy}]}` }));

const one = "exactly one of keyPath, keyPaths and keyData must be specified";
const none = "Exactly one of keyPath, keyPaths and keyData must be specified, none of them present";
const several = "Exactly one of keyPath, keyPaths and keyData must be specified, more than one present";

const signedBy: readonly PolicyCase[] = [
  loads(',"keyType":"GPGKeys","keyPath":"/x"'),
  loads(',"keyType":"signedByGPGKeys","keyPath":"/x"'),
  loads(',"keyType":"X509Certificates","keyPath":"/x"'),
  loads(',"keyType":"signedByX509CAs","keyPath":"/x"'),
  fails("", none),
  fails(',"keyType":"GPGKeys"', none),
  fails(',"keyPath":"/x"', 'invalid keyType ""'),
  fails(',"keyType":"","keyPath":"/x"', 'Unrecognized keyType value ""'),
  fails(',"keyType":"bogus","keyPath":"/x"', 'Unrecognized keyType value "bogus"'),
  differs(',"keyType":1,"keyPath":"/x"', 'JSON string expected for key "keyType", got number'),
  fails(',"keyType":"GPGKeys","keyPath":""', one),
  fails(',"keyType":"GPGKeys","keyPath":null', one),
  fails(',"keyType":"GPGKeys","keyPaths":null', one),
  fails(',"keyType":"GPGKeys","keyData":null', one),
  differs(',"keyType":"GPGKeys","keyPath":1', 'JSON string expected for key "keyPath", got number'),
  differs(',"keyType":"GPGKeys","keyPaths":""', 'JSON array expected for key "keyPaths", got string'),
  differs(',"keyType":"GPGKeys","keyPaths":[1]', 'JSON string expected for key "keyPaths", got number'),
  loads(',"keyType":"GPGKeys","keyPaths":[]'),
  loads(',"keyType":"GPGKeys","keyPaths":["/a","/b"]'),
  loads(',"keyType":"GPGKeys","keyData":""'),
  loads(',"keyType":"GPGKeys","keyData":"YQ=="'),
  loads(',"keyType":"GPGKeys","keyData":"Y\\nQ=\\r\\n="'),
  loads(',"keyType":"GPGKeys","keyData":"YR=="'),
  fails(',"keyType":"GPGKeys","keyData":"a"', "illegal base64 data at input byte 0"),
  fails(',"keyType":"GPGKeys","keyData":"YWFhYQ"', "illegal base64 data at input byte 4"),
  fails(',"keyType":"GPGKeys","keyData":"YQ="', "illegal base64 data at input byte 3"),
  fails(',"keyType":"GPGKeys","keyData":"YQ==YQ=="', "illegal base64 data at input byte 4"),
  fails(',"keyType":"GPGKeys","keyData":"Y==="', "illegal base64 data at input byte 1"),
  fails(',"keyType":"GPGKeys","keyData":"-_=="', "illegal base64 data at input byte 0"),
  fails(',"keyType":"GPGKeys","keyData":"YQ== "', "illegal base64 data at input byte 4"),
  fails(',"keyType":"GPGKeys","keyPath":"/a","keyPaths":["/b"]', several),
  fails(',"keyType":"GPGKeys","keyPath":null,"keyPaths":["/b"]', several),
  fails(',"keyType":"GPGKeys","keyPath":"/a","keyData":"YQ=="', several),
  fails(',"keyType":"GPGKeys","keyPath":"/a","x":1', 'Unknown key "x"'),
].map((entry) => ({ ...entry, policy: `{"default":[{"type":"signedBy"${entry.policy}}]}` }));

const identities: readonly PolicyCase[] = [
  fails("null", 'Unknown policy reference match type ""'),
  fails("{}", 'Unknown policy reference match type ""'),
  fails('{"type":"bogus"}', 'Unknown policy reference match type "bogus"'),
  differs("1", "JSON object expected, got number"),
  differs("[]", "JSON object expected, got array"),
  loads('{"type":"matchExact"}'),
  loads('{"type":"matchRepoDigestOrExact"}'),
  loads('{"type":"matchRepository"}'),
  fails('{"type":"matchExact","x":1}', 'Unknown key "x"'),
  fails('{"type":"exactReference"}', 'Key "dockerReference" missing in a JSON object'),
  fails(
    '{"type":"exactReference","dockerReference":""}',
    'Invalid format of dockerReference "": invalid reference',
  ),
  fails('{"type":"exactReference","dockerReference":null}', 'Invalid format of dockerReference ""'),
  fails(
    '{"type":"exactReference","dockerReference":"UPPER:x"}',
    'Invalid format of dockerReference "UPPER:x": invalid reference format: repository name must be lowercase',
  ),
  fails(
    '{"type":"exactReference","dockerReference":"busybox"}',
    'dockerReference "busybox" contains neither a tag nor digest',
  ),
  loads('{"type":"exactReference","dockerReference":"busybox:1"}'),
  loads(`{"type":"exactReference","dockerReference":"busybox@${digest}"}`),
  fails('{"type":"exactReference","dockerRepository":"x"}', 'Unknown key "dockerRepository"'),
  fails('{"type":"exactRepository"}', 'Key "dockerRepository" missing in a JSON object'),
  fails('{"type":"exactRepository","dockerRepository":""}', 'Invalid format of dockerRepository ""'),
  loads('{"type":"exactRepository","dockerRepository":"busybox:1"}'),
  differs('{"type":"remapIdentity"}', 'Key "prefix" missing in a JSON object'),
  fails('{"type":"remapIdentity","prefix":"a"}', 'Key "signedPrefix" missing in a JSON object'),
  fails('{"type":"remapIdentity","prefix":"","signedPrefix":"a"}', 'prefix "" is not valid'),
  loads('{"type":"remapIdentity","prefix":"a","signedPrefix":"b"}'),
  loads('{"type":"remapIdentity","prefix":"a:5000","signedPrefix":"b.c/d"}'),
  loads('{"type":"remapIdentity","prefix":"docker.io/x","signedPrefix":"b"}'),
  fails('{"type":"remapIdentity","prefix":"a/","signedPrefix":"b"}', 'prefix "a/" is not valid'),
  fails('{"type":"remapIdentity","prefix":"a/b:t","signedPrefix":"b"}', 'prefix "a/b:t" is not valid'),
  fails('{"type":"remapIdentity","prefix":"a.b/B","signedPrefix":"b"}', 'prefix "a.b/B" is not valid'),
  fails('{"type":"remapIdentity","prefix":"a_b","signedPrefix":"b"}', 'prefix "a_b" is not valid'),
  fails('{"type":"remapIdentity","prefix":"a","signedPrefix":"*.b"}', 'prefix "*.b" is not valid'),
].map((entry) => ({
  ...entry,
  policy: `{"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/a","signedIdentity":${entry.policy}}]}`,
}));

const fulcio = '"fulcio":{"caPath":"/x","oidcIssuer":"a","subjectEmail":"b"}';
const pki = '"pki":{"caRootsPath":"/x","subjectEmail":"b"}';
const exactlyOne = "exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio, and pki must be specified";
const rekorNames = "rekorPublickeyPath, rekorPublicKeyPaths, rekorPublickeyData and rekorPublicKeyDatas";
const noRekor = `At least one of ${rekorNames} must be specified if fulcio is used`;
const manyRekor = `at most one of ${rekorNames} can be used simultaneously`;

const sigstore: readonly PolicyCase[] = [
  loads(',"keyPath":"/x"'),
  loads(',"keyPaths":["/a","/b"]'),
  loads(',"keyPaths":[""]'),
  loads(',"keyData":"YQ=="'),
  loads(',"keyData":""'),
  loads(',"keyDatas":["YQ==","YQ=="]'),
  loads(',"keyPath":"","keyData":"YQ=="'),
  loads(',"keyPath":"/x","signedIdentity":{"type":"matchExact"}'),
  loads(',"keyPath":"/x","rekorPublicKeyPath":"/x"'),
  loads(',"keyPath":"/x","rekorPublicKeyPath":null'),
  fails("", exactlyOne),
  fails(',"keyPath":""', exactlyOne),
  fails(',"keyPath":null', exactlyOne),
  fails(',"keyData":null', exactlyOne),
  fails(',"keyPath":"/x","keyData":"YQ=="', exactlyOne),
  fails(`,"keyPath":"/x",${fulcio},"rekorPublicKeyPath":"/x"`, exactlyOne),
  fails(`,${pki},${fulcio},"rekorPublicKeyPath":"/x"`, exactlyOne),
  fails(',"keyPaths":[]', '"keyPaths" contains no entries'),
  fails(',"keyPaths":null', '"keyPaths" contains no entries'),
  fails(',"keyDatas":[]', '"keyDatas" contains no entries'),
  fails(',"keyData":"!"', "illegal base64 data at input byte 0"),
  fails(',"keyDatas":["YQ==","!"]', "illegal base64 data at input byte 0"),
  fails(',"keyPath":"/x","x":1', 'Unknown key "x"'),
  fails(',"keyPath":"/x","signedIdentity":null', 'Unknown policy reference match type ""'),
  fails(',"keyPath":"/x","rekorPublicKeyPath":"/x","rekorPublicKeyPaths":["/y"]', manyRekor),
  fails(',"keyPath":"/x","rekorPublicKeyPaths":[]', '"rekorPublickeyPaths" contains no entries'),
  fails(',"keyPath":"/x","rekorPublicKeyDatas":null', '"rekorPublickeyDatas" contains no entries'),
  loads(`,${fulcio},"rekorPublicKeyPath":"/x"`),
  loads(`,${fulcio},"rekorPublicKeyDatas":["YQ=="]`),
  fails(`,${fulcio}`, noRekor),
  fails(`,${fulcio},"rekorPublicKeyPath":""`, noRekor),
  fails(`,${fulcio},"rekorPublicKeyPath":"/x","rekorPublicKeyData":"YQ=="`, manyRekor),
  differs(',"fulcio":null', "JSON object expected, got null"),
  fails(',"fulcio":{}', "At least one of caPath and caData must be specified"),
  fails(
    ',"fulcio":{"caPath":"/x","caData":"YQ==","oidcIssuer":"a","subjectEmail":"b"}',
    "caPath and caData cannot be used simultaneously",
  ),
  fails(',"fulcio":{"caPath":"/x","subjectEmail":"a"}', "oidcIssuer not specified"),
  fails(',"fulcio":{"caPath":"/x","oidcIssuer":"a","subjectEmail":""}', "subjectEmail not specified"),
  fails(',"fulcio":{"caPath":"/x","oidcIssuer":"a","subjectEmail":"b","z":1}', 'Unknown key "z"'),
  loads(`,${pki}`),
  loads(',"pki":{"caRootsData":"YQ==","subjectHostname":"a","caIntermediatesPath":""}'),
  fails(`,${pki},"rekorPublicKeyPath":"/x"`, `${rekorNames} are not supported for pki`),
  fails(',"pki":{}', "At least one of caRootsPath and caRootsData must be specified"),
  fails(',"pki":{"caRootsPath":"/x"}', "At least one of subjectEmail, subjectHostname must be specified"),
  fails(
    ',"pki":{"caRootsPath":"/x","caRootsData":"YQ==","subjectEmail":"a"}',
    "caRootsPath and caRootsData cannot be used simultaneously",
  ),
  fails(
    ',"pki":{"caRootsPath":"/x","subjectEmail":"a","caIntermediatesPath":"/x","caIntermediatesData":"YQ=="}',
    "caIntermediatesPath and caIntermediatesData cannot be used simultaneously",
  ),
].map((entry) => ({ ...entry, policy: `{"default":[{"type":"sigstoreSigned"${entry.policy}}]}` }));

const possibleScopes: Readonly<Record<string, readonly string[]>> = {
  docker: ["", "!!!", "a*.*.com"],
  atomic: ["", "a", "a/b/c:d", "a:1/b"],
  dir: ["", "/a", "/a/b"],
  oci: ["", "/a", "/a:tag"],
  "oci-archive": ["/a:x"],
  sif: ["/a"],
  "docker-archive": [""],
  tarball: [""],
  "docker-daemon": ["x", "UPPER", "sha256:01", "docker.io/library/busybox:latest"],
  "containers-storage": [
    "",
    "[/]",
    "[/a/]",
    "[overlay@/a]",
    "[overlay@/a+/b]",
    "[/a]docker.io/library/busybox:latest",
    `[/a]busybox@${digest}`,
    `[/a]busybox@${id}`,
    `[/a]@${id}`,
    `[/a]busybox@${digest}@${id}`,
  ],
  ostree: ["x"],
  Dir: ["x"],
};

const impossibleScopes: Readonly<Record<string, readonly string[]>> = {
  atomic: ["a/b/c/d", "a/b:1", "a/b/c:d:e"],
  dir: ["/", "a/b", "/a/", "//a", "/a/./b", "/a/.."],
  oci: ["a", "/", "a:tag"],
  "oci-archive": ["/a/"],
  sif: ["a"],
  "docker-archive": ["x", "/a"],
  tarball: ["x"],
  "docker-daemon": [digest],
  "containers-storage": [
    "x",
    "[a]",
    "[/a",
    "[@/a]",
    "[overlay@a]",
    "[/a]busybox@x",
    "[/a]@",
    `[/a]a@${id}@${id}`,
    `[/a]a@${digest}@${digest}`,
    "[/a]a@b@c@d",
  ],
};

function scopeCases(
  table: Readonly<Record<string, readonly string[]>>,
  create: (policy: string, error: string) => PolicyCase,
): readonly PolicyCase[] {
  return Object.entries(table).flatMap(([transport, scopes]) =>
    scopes.map((scope) => {
      const key = JSON.stringify(scope);
      return create(
        `{"default":${accept},"transports":{"${transport}":{${key}:${accept}}}}`,
        `Unknown key ${key}`,
      );
    }),
  );
}

/** What the reference says about the form of policy.json, as cases. */
export const policyCases: readonly PolicyCase[] = [
  ...structure,
  ...requirements,
  ...signedBy,
  ...identities,
  ...sigstore,
  ...scopeCases(possibleScopes, loads),
  ...scopeCases(impossibleScopes, fails),
];
