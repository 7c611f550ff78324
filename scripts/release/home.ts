/**
 * Where this project lives: a placeholder, a name that never resolves, until that is decided. Releases lie below it, each in a folder
 * named after its version; `npm run release -- --url https://…` puts another place into what is released.
 */
export const HOME = "https://skopeo-ts.invalid";

/** Whom packages name as the one to write to. */
export const MAINTAINER = "skopeo-ts maintainers <maintainers@skopeo-ts.invalid>";

/** What packages say of the tool, in one line. */
export const SUMMARY = "Inspect, copy, sync, delete, sign and verify container images";
