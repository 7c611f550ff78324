/** The version of this program and library, as in package.json. */
export const VERSION: string = "0.1.0";
