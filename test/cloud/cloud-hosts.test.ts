import { describe, expect, test } from "bun:test";
import { cloudOf } from "../../src/cloud/cloud-credentials.ts";
import { parseCloudHost } from "../../src/cloud/cloud-hosts.ts";

const HOSTS = [
  ["123456789012.dkr.ecr.us-east-1.amazonaws.com", "ecr"],
  ["123456789012.dkr.ecr.us-east-1.amazonaws.com:443", "ecr"],
  ["123456789012.DKR.ecr.us-east-1.AmazonAWS.com", "ecr"],
  ["123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "ecr"],
  ["123456789012.dkr.ecr.ap-southeast-3.amazonaws.com", "ecr"],
  ["123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "ecr"],
  ["123456789012.dkr-ecr.eu-central-1.on.aws", "ecr"],
  ["123456789012.dkr-ecr-fips.us-east-2.on.aws", "ecr"],
  ["123456789012.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn", "ecr"],
  ["public.ecr.aws", "ecr-public"],
  ["public.ecr.aws:443", "ecr-public"],
  ["gcr.io", "google"],
  ["eu.gcr.io", "google"],
  ["mirror.gcr.io", "google"],
  ["us-docker.pkg.dev", "google"],
  ["europe-west1-docker.pkg.dev", "google"],
  ["docker.us-central1.rep.pkg.dev", "google"],
  ["contoso.azurecr.io", "azure"],
  ["contoso-a1b2.azurecr.io", "azure"],
  ["contoso.azurecr.cn", "azure"],
  ["contoso.azurecr.us:443", "azure"],
  ["ghcr.io", "github"],
] as const;

const LOOK_ALIKES = [
  "",
  "docker.io",
  "quay.io",
  "localhost",
  "localhost:5000",
  "123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.io",
  "123456789012.dkr.ecr.us-east-1.amazonaws.com.",
  "123456789012.dkr.ecr.us-east-1.amazonaws.com:5000",
  "123456789012.dkr.ecr.us-east-1.amazonaws.com:443:443",
  "123456789012.dkr.ecr.us-east-1.amazonaws.com@evil.io",
  "123456789012.dkr.ecr.us-east-1.amazonaws.com/evil.io",
  "123456789012.dkr.ecr.us-east-1.amazonaws.com\n.evil.io",
  "123456789012.dkr.ecr.us-east-1.amazonaws.com\n",
  "evil.io/123456789012.dkr.ecr.us-east-1.amazonaws.com",
  "evil.io.123456789012.dkr.ecr.us-east-1.amazonaws.com",
  "12345678901.dkr.ecr.us-east-1.amazonaws.com",
  "1234567890123.dkr.ecr.us-east-1.amazonaws.com",
  "١٢٣٤٥٦٧٨٩٠١٢.dkr.ecr.us-east-1.amazonaws.com",
  "123456789012.dkr.ecr.evil.io#.us-east-1.amazonaws.com",
  "123456789012.dkr.ecr.evil.amazonaws.com",
  "123456789012.dkr.ecr..amazonaws.com",
  "123456789012.dkr.ecr.us-east-1.amazonaws.com.cn",
  "123456789012.dkr.ecr.cn-north-1.amazonaws.com",
  "123456789012.dkr-ecr.us-east-1.amazonaws.com",
  "123456789012.dkr.ecr.us-east-1.on.aws",
  "123456789012.dkrXecr.us-east-1.on.aws",
  "123456789012.dkr.ecr.us-east-1.amazonawsxcom",
  "123456789012.dkr.ecr.us-east-1.constructor",
  "s3.us-east-1.amazonaws.com",
  "ecr.aws",
  "notpublic.ecr.aws",
  "x.public.ecr.aws",
  "public.ecr.aws.evil.io",
  "public.ecr.aws:80",
  "pkg.dev",
  ".pkg.dev",
  "evilpkg.dev",
  "us-docker.pkg.dev.evil.io",
  "us-docker.pkgxdev",
  "evil.io@us-docker.pkg.dev",
  "-.pkg.dev",
  "us-docker..pkg.dev",
  ".gcr.io",
  "evilgcr.io",
  "gcr.io.evil.io",
  "gcr.io:8443",
  "gcrxio",
  "a.b.gcr.io",
  "azurecr.io",
  ".azurecr.io",
  "evil.io.azurecr.io.evil.io",
  "contoso.azurecr.io.evil.io",
  "contoso.azurecr.com",
  "contoso.azurecrxio",
  "contoso.evilazurecr.io",
  "contoso.azurecr.io:444",
  "ghcr.io.evil",
  "evilghcr.io",
  "x.ghcr.io",
  "ghcr.io:80",
  "ghcrxio",
  "ghcr.io ",
  "[::1]",
];

describe("the registries of clouds", () => {
  for (const [host, cloud] of HOSTS) test(`${host} is ${cloud}`, () => expect(cloudOf(host)).toBe(cloud));
});

describe("a host that only looks like one is none", () => {
  for (const host of LOOK_ALIKES) {
    test(JSON.stringify(host), () => expect(cloudOf(host)).toBeUndefined());
  }
});

test("the name of an ECR host tells where its logins are made", () => {
  expect(parseCloudHost("123456789012.dkr-ecr-fips.us-gov-east-1.on.aws")).toEqual({
    cloud: "ecr",
    host: "123456789012.dkr-ecr-fips.us-gov-east-1.on.aws",
    region: "us-gov-east-1",
    fips: true,
    dualStack: true,
  });
  expect(parseCloudHost("123456789012.DKR.ecr.eu-west-3.amazonaws.com:443")).toEqual({
    cloud: "ecr",
    host: "123456789012.dkr.ecr.eu-west-3.amazonaws.com",
    region: "eu-west-3",
    fips: false,
    dualStack: false,
  });
});
