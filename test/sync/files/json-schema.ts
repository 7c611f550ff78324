/** What our schema uses of JSON Schema 2020-12; anything else is an error, so that nothing is passed over. */
const KEYWORDS: ReadonlySet<string> = new Set([
  ...[
    "$schema",
    "$defs",
    "$ref",
    "title",
    "description",
    "type",
    "const",
    "enum",
    "anyOf",
    "properties",
    "required",
  ],
  ...[
    "additionalProperties",
    "propertyNames",
    "dependentRequired",
    "items",
    "minItems",
    "minLength",
    "pattern",
  ],
  ...["minimum", "maximum"],
]);

type Schema = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asSchema(value: unknown): Schema {
  if (!isObject(value)) throw new Error(`no schema: ${JSON.stringify(value)}`);
  const unknown = Object.keys(value).find((key) => !KEYWORDS.has(key));
  if (unknown !== undefined) throw new Error(`the check knows no ${unknown}`);
  return value;
}

/** Whether `value` is as `schema`, a part of `root`, says. */
export function isValid(value: unknown, schema: unknown, root: unknown = schema): boolean {
  const rules = asSchema(schema);
  return Object.entries(rules).every(([keyword, rule]) => check(keyword, rule, value, rules, root));
}

function check(keyword: string, rule: unknown, value: unknown, rules: Schema, root: unknown): boolean {
  const every = <T>(items: readonly T[], test: (item: T) => boolean): boolean => items.every(test);
  const text = typeof value === "string" ? value : undefined;
  const object = isObject(value) ? value : undefined;
  switch (keyword) {
    case "$ref":
      return isValid(value, resolve(String(rule), root), root);
    case "type":
      return [rule].flat().some((type) => isOfType(value, String(type)));
    case "const":
      return value === rule;
    case "enum":
      return Array.isArray(rule) && rule.includes(value);
    case "anyOf":
      return Array.isArray(rule) && rule.some((choice) => isValid(value, choice, root));
    case "pattern":
      return text === undefined || new RegExp(String(rule), "u").test(text);
    case "minLength":
      return text === undefined || text.length >= Number(rule);
    case "minimum":
      return typeof value !== "number" || value >= Number(rule);
    case "maximum":
      return typeof value !== "number" || value <= Number(rule);
    case "minItems":
      return !Array.isArray(value) || value.length >= Number(rule);
    case "items":
      return !Array.isArray(value) || every(value, (item) => isValid(item, rule, root));
    case "required":
      return object === undefined || every([rule].flat(), (key) => Object.hasOwn(object, String(key)));
    case "properties":
      return (
        object === undefined ||
        every(
          Object.entries(asMap(rule)),
          ([key, part]) => !Object.hasOwn(object, key) || isValid(object[key], part, root),
        )
      );
    case "propertyNames":
      return object === undefined || every(Object.keys(object), (key) => isValid(key, rule, root));
    case "dependentRequired":
      return (
        object === undefined ||
        every(
          Object.entries(asMap(rule)),
          ([key, others]) =>
            !Object.hasOwn(object, key) ||
            every([others].flat(), (other) => Object.hasOwn(object, String(other))),
        )
      );
    case "additionalProperties": {
      const others = Object.entries(object ?? {}).filter(
        ([key]) => !Object.hasOwn(asMap(rules.properties ?? {}), key),
      );
      return rule === false ? others.length === 0 : every(others, ([, item]) => isValid(item, rule, root));
    }
    default:
      return true;
  }
}

function asMap(value: unknown): Schema {
  if (isObject(value)) return value;
  throw new Error("no object");
}

function isOfType(value: unknown, type: string): boolean {
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isObject(value);
  if (type === "integer") return Number.isInteger(value);
  if (["string", "number", "boolean"].includes(type)) return typeof value === type;
  throw new Error(`the check knows no type ${type}`);
}

function resolve(reference: string, root: unknown): unknown {
  const path = reference.replace(/^#\//, "").split("/");
  return path.reduce((node, key) => asMap(node)[key], root);
}
