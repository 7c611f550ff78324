import { type MaybeValue, unwrapInterface } from "./values.ts";

/** Whether a value counts as true: whether it is neither false, zero, empty, nil nor missing. */
export function isTrue(value: MaybeValue): boolean {
  const content = unwrapInterface(value);
  switch (content?.kind) {
    case undefined:
    case "interface":
      return false;
    case "bool":
    case "float":
    case "string":
      return Boolean(content?.value);
    case "int":
    case "uint":
      return content.value !== 0n;
    case "complex":
      return content.real !== 0 || content.imaginary !== 0;
    case "slice":
      return (content.items?.length ?? 0) > 0;
    case "map":
      return (content.entries?.size ?? 0) > 0;
    case "struct":
      return true;
    case "pointer":
      return content.target !== null;
  }
}
