import { fileError } from "./file-error.ts";

/** Environment variables by their names. */
export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Puts the values of environment variables in place of `${NAME}`; `$${` stands for `${`.
 * @throws {ImageError} CONFIG_INVALID for one that is not set, never with the value of another
 */
export function expandVariables(text: string, variables: Variables, place: string): string {
  return text.replace(/\$\$\{|\$\{([^}]*)(\}?)/g, (whole, name: string | undefined, closing: string) => {
    if (whole === "$${") return "${";
    if (name === undefined || closing === "" || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw fileError(
        place,
        `\${ must begin a variable, such as \${NAME}; write $\${ for the characters themselves`,
      );
    }
    const value = variables[name];
    if (value) return value;
    throw fileError(place, `the environment variable ${name} is not set${value === "" ? ", but empty" : ""}`);
  });
}

/** As `expandVariables`, in the registry of a name: nothing behind the first slash may have variables. */
export function expandRegistry(text: string, variables: Variables, place: string): string {
  const slash = text.indexOf("/");
  const registry = slash < 0 ? text : text.slice(0, slash);
  const rest = slash < 0 ? "" : text.slice(slash);
  if (rest.includes("${"))
    throw fileError(place, "only the registry of a name and credentials may have variables");
  return `${expandVariables(registry, variables, place)}${rest}`;
}
