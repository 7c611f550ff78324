/** A registries.conf and why it must not load; undefined when it must. */
export interface ConfCase {
  readonly conf: string;
  readonly error: string | undefined;
  /** The message says the same as that of skopeo, in other words. */
  readonly ownWords?: true;
}

const digest = `sha256:${"01".repeat(32)}`;
const wildcard = (prefix: string): string =>
  `Wildcarded prefix should be in the format: *.example.com. Current prefix "${prefix}" is incorrectly formatted`;
const aliasError = (message: string): string => `validating short-name aliases: ${message}`;
const mixed = "mixing sysregistry v1/v2 is not supported: [registries.*] of version 1 beside ";

function loads(conf: string): ConfCase {
  return { conf, error: undefined };
}

function fails(conf: string, error: string): ConfCase {
  return { conf, error };
}

function differs(conf: string, error: string): ConfCase {
  return { conf, error, ownWords: true };
}

/** The table `[[registry]]` with the given lines. */
function registry(...lines: readonly string[]): string {
  return ["[[registry]]", ...lines, ""].join("\n");
}

/** What the reference says about the form of registries.conf, as cases. */
export const confCases: readonly ConfCase[] = [
  loads(""),
  loads("\n# nothing\n"),
  loads("nosuchkey = 1\n[other]\nkey = 1"),
  loads('\ufeffunqualified-search-registries = ["x"]'),
  differs("x", "toml: line 1, column 1: incomplete key-value"),
  differs("# comment\n[[registry]]\nlocation = \n", "toml: line 3, column 12: "),
  differs("[a\n", "toml: line 1, column "),
  differs("a = 1\na = 2", "toml: line 2, column "),

  loads('unqualified-search-registries = ["x:5000", "X.y", "z/"]'),
  loads("unqualified-search-registries = []"),
  fails('Unqualified-Search-Registries = ["x/y"]', 'Invalid unqualified-search-registries entry "x/y"'),
  fails('unqualified-search-registries = [""]', 'Invalid unqualified-search-registries entry ""'),
  fails('unqualified-search-registries = ["-x"]', 'Invalid unqualified-search-registries entry "-x"'),
  fails('unqualified-search-registries = ["x:"]', 'Invalid unqualified-search-registries entry "x:"'),
  fails('unqualified-search-registries = ["*.x"]', 'Invalid unqualified-search-registries entry "*.x"'),
  fails(
    'unqualified-search-registries = ["https://x"]',
    "invalid location 'https://x': URI schemes are not supported",
  ),
  differs(
    'unqualified-search-registries = "x"',
    'toml: line 1: key "unqualified-search-registries": incompatible types: expected array, found string',
  ),
  differs(
    "unqualified-search-registries = [1]",
    'toml: line 1: key "unqualified-search-registries[0]": incompatible types: expected string, found number',
  ),

  loads('short-name-mode = ""'),
  loads('short-name-mode = "disabled"'),
  fails('short-name-mode = "x"', 'invalid short-name mode: "x"'),
  fails('short-name-mode = "Enforcing"', 'invalid short-name mode: "Enforcing"'),
  differs(
    "additional-layer-store-auth-helper = 1",
    'toml: line 1: key "additional-layer-store-auth-helper": incompatible types: expected string, found number',
  ),
  differs(
    'credential-helpers = "x"',
    'toml: line 1: key "credential-helpers": incompatible types: expected array, found string',
  ),

  fails(registry(), "invalid condition: both location and prefix are unset"),
  fails(registry('location = "/"'), "invalid condition: both location and prefix are unset"),
  fails(
    registry('prefix = "a"'),
    "invalid condition: location is unset and prefix is not in the format: *.example.com",
  ),
  loads(registry('prefix = "*.a"')),
  loads(registry('prefix = "*"', 'location = "x"')),
  loads(registry('prefix = "/"', 'location = "x"')),
  loads(registry('location = "*.a"')),
  fails(registry('prefix = "*.a/b"', 'location = "x"'), wildcard("*.a/b")),
  fails(registry('prefix = "*.a:50"', 'location = "x"'), wildcard("*.a:50")),
  fails(registry('prefix = "*.a@x"', 'location = "x"'), wildcard("*.a@x")),
  fails(registry('location = "https://a"'), "invalid location 'https://a': URI schemes are not supported"),
  fails(
    registry('location = "a"', 'prefix = "http://b"'),
    "invalid location 'http://b': URI schemes are not supported",
  ),
  fails(
    registry('location = "a"', 'pull-from-mirror = "all"'),
    'pull-from-mirror must not be set for a non-mirror registry "a"',
  ),
  fails(registry('location = "a"', "[[registry.mirror]]"), "invalid condition: mirror location is unset"),
  fails(
    registry('location = "a"', "[[registry.mirror]]", 'location = "/"'),
    "invalid condition: mirror location is unset",
  ),
  fails(
    registry('location = "a"', "[[registry.mirror]]", 'location = "http://x"'),
    "invalid location 'http://x': URI schemes are not supported",
  ),
  fails(
    registry('location = "a"', "[[registry.mirror]]", 'location = "m"', 'pull-from-mirror = "x"'),
    'unsupported pull-from-mirror value "x" for mirror "m"',
  ),
  fails(
    registry(
      'location = "a"',
      "mirror-by-digest-only = true",
      "[[registry.mirror]]",
      'location = "m"',
      'pull-from-mirror = "all"',
    ),
    'cannot set mirror usage mirror-by-digest-only for the registry ("a") and pull-from-mirror for per-mirror ("m") ' +
      "at the same time",
  ),
  differs(
    registry('location = "b"') + registry('location = "a"', 'insecure = "x"'),
    'toml: line 5: key "registry[1].insecure": incompatible types: expected boolean, found string',
  ),
  differs(
    registry("Location = 1"),
    'toml: line 2: key "registry[0].location": incompatible types: expected string, found number',
  ),
  differs(
    '[registry]\nlocation = "a"',
    'toml: line 1: key "registry": incompatible types: expected array, found table',
  ),
  fails(
    registry('location = "a"', "insecure = true") + registry('prefix = "b"', 'location = "a"'),
    "registry 'a' is defined multiple times with conflicting 'insecure' setting",
  ),
  fails(
    registry('location = "a"', "blocked = true") + registry('prefix = "b"', 'location = "a"'),
    "registry 'a' is defined multiple times with conflicting 'blocked' setting",
  ),
  fails(
    registry('location = "a"', "blocked = true") + registry('location = "a"'),
    "registry 'a' is defined multiple times with conflicting 'blocked' setting",
  ),
  loads(registry('prefix = "*.a"', "insecure = true") + registry('prefix = "*.b"')),

  loads('[aliases]\nx = "a.b/c"\n"y/z" = "localhost/c"\nw = "docker.io/c"\nv = "h:5000/c"\nu = ""'),
  fails('[aliases]\nx = "y"', aliasError('invalid alias "y": must contain registry and repository')),
  fails('[aliases]\nx = "a.b"', aliasError('invalid alias "a.b": must contain registry and repository')),
  fails('[aliases]\nx = "y/z"', aliasError('invalid alias "y/z": must contain registry and repository')),
  fails('[aliases]\nx = "a.b/y:1"', aliasError('invalid alias "a.b/y:1": must not contain tag')),
  fails(
    `[aliases]\nx = "a.b/y@${digest}"`,
    aliasError(`invalid alias "a.b/y@${digest}": must not contain digest`),
  ),
  fails('[aliases]\nx = "a.b/Y"', aliasError('parsing alias "a.b/Y": repository name must be lowercase')),
  fails('[aliases]\nx = "c.d/e..f"', aliasError('parsing alias "c.d/e..f": invalid reference format')),
  fails(
    '[aliases]\nx = "http://c.d/e"',
    aliasError('parsing alias "http://c.d/e": invalid reference format'),
  ),
  fails('[aliases]\n"a.b/x" = "a.b/y"', aliasError('invalid short name "a.b/x": must not contain registry')),
  fails(
    '[aliases]\n"localhost/x" = "a.b/y"',
    aliasError('invalid short name "localhost/x": must not contain registry'),
  ),
  fails('[aliases]\n"x:1" = "a.b/y"', aliasError('invalid short name "x:1": must not contain tag')),
  fails(
    `[aliases]\n"x@${digest}" = "a.b/y"`,
    aliasError(`invalid short name "x@${digest}": must not contain digest`),
  ),
  fails(
    '[aliases]\nX = "a.b/y"',
    aliasError('cannot parse short name: "X": repository name must be lowercase'),
  ),
  fails(
    '[aliases]\n"a..b" = "a.b/y"',
    aliasError('cannot parse short name: "a..b": invalid reference format'),
  ),
  fails(
    '[aliases]\n"" = "a.b/y"',
    aliasError('cannot parse short name: "": repository name must have at least one component'),
  ),
  differs(
    "registry = [1]",
    'toml: line 1: key "registry[0]": incompatible types: expected table, found number',
  ),
  differs(
    "registries = 1",
    'toml: line 1: key "registries": incompatible types: expected table, found number',
  ),
  differs(
    "[aliases]\nx = 1",
    'toml: line 2: key "aliases.x": incompatible types: expected string, found number',
  ),

  loads("[registries]"),
  loads('[registries.other]\nregistries = ["a/b"]'),
  loads('[registries.search]\nregistries = ["a"]'),
  loads('[registries.block]\nregistries = ["a"]\n[registries.insecure]\nregistries = ["a/"]'),
  fails('[registries.search]\nregistries = ["a/b"]', 'Invalid unqualified-search-registries entry "a/b"'),
  fails('[registries.insecure]\nregistries = [""]', "invalid condition: both location and prefix are unset"),
  fails(
    '[registries.block]\nregistries = ["http://a"]',
    "invalid location 'http://a': URI schemes are not supported",
  ),
  differs(
    '[registries.search]\nregistries = "a"',
    'toml: line 2: key "registries.search.registries": incompatible types: expected array, found string',
  ),
  differs(`[registries.search]\nregistries = []\n${registry('location = "a"')}`, `${mixed}registry`),
  differs(
    'unqualified-search-registries = []\n[registries.search]\nregistries = ["a"]',
    `${mixed}unqualified-search-registries`,
  ),
  differs('[registries.search]\nregistries = ["a"]\n[aliases]', `${mixed}aliases`),
  differs(
    'short-name-mode = "enforcing"\n[registries.search]\nregistries = ["a"]',
    `${mixed}short-name-mode`,
  ),
];
