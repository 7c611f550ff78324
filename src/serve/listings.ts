import { OCI_INDEX } from "../core/media-type.ts";
import { ApiError } from "./api-error.ts";
import { type Exchange, requireDigest } from "./exchange.ts";
import { pageOf } from "./pages.ts";
import { jsonReply } from "./replies.ts";

/** `GET /v2/<name>/tags/list`. Distribution spec 1.1, "Listing Tags". */
export async function listTags({ url, repository, catalogue }: Exchange): Promise<Response> {
  const tags = await catalogue.tags(repository);
  if (tags === undefined) throw new ApiError("NAME_UNKNOWN", { details: [{ name: repository }] });
  const { items, link } = pageOf(tags, url);
  return jsonReply(200, { name: repository, tags: items }, linkHeader(link));
}

/** `GET /v2/_catalog`: the repositories. Docker's registry API; reserved in the distribution spec. */
export async function listRepositories({ url, catalogue }: Exchange): Promise<Response> {
  const { items, link } = pageOf(await catalogue.repositories(), url);
  return jsonReply(200, { repositories: items }, linkHeader(link));
}

/** `GET /v2/<name>/referrers/<digest>`, an index in one page. Distribution spec 1.1, "Listing Referrers". */
export async function listReferrers({ url, repository, reference, catalogue }: Exchange): Promise<Response> {
  const all = await catalogue.referrers(repository, requireDigest(reference));
  const wanted = url.searchParams.get("artifactType");
  const manifests = wanted === null ? all : all.filter((entry) => entry.artifactType === wanted);
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
  return jsonReply(200, index, {
    "Content-Type": OCI_INDEX,
    ...(wanted === null ? {} : { "OCI-Filters-Applied": "artifactType" }),
  });
}

function linkHeader(link: string | undefined): Readonly<Record<string, string>> {
  return link === undefined ? {} : { Link: link };
}
