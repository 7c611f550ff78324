export async function copySchema1(..._: unknown[]): Promise<never> {
  throw new Error("later");
}
export async function convertToSchema1(..._: unknown[]): Promise<never> {
  throw new Error("later");
}
