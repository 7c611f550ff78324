import * as v from "valibot";

/** A piece of a declaration; references name what is declared elsewhere. */
export interface ApiToken {
  readonly kind: "Content" | "Reference";
  readonly text: string;
}

/** A member of a class or interface; `docComment` is "" where there is none. */
export interface ApiMember {
  readonly kind: string;
  readonly name: string;
  readonly docComment: string;
  readonly excerptTokens: readonly ApiToken[];
}

export interface ApiExport extends ApiMember {
  readonly kind: "Class" | "Function" | "Interface" | "TypeAlias" | "Variable";
  readonly members: readonly ApiMember[];
}

/** What API Extractor writes of an entry point, as far as the pages need it. */
export interface EntryModel {
  readonly docComment: string;
  readonly members: readonly ApiExport[];
}

const TokenSchema: v.GenericSchema<unknown, ApiToken> = v.object({
  kind: v.picklist(["Content", "Reference"]),
  text: v.string(),
});

const MemberSchema: v.GenericSchema<unknown, ApiMember> = v.object({
  kind: v.string(),
  name: v.optional(v.string(), "constructor"),
  docComment: v.optional(v.string(), ""),
  excerptTokens: v.array(TokenSchema),
});

const ExportSchema: v.GenericSchema<unknown, ApiExport> = v.object({
  kind: v.picklist(["Class", "Function", "Interface", "TypeAlias", "Variable"]),
  name: v.string(),
  docComment: v.optional(v.string(), ""),
  excerptTokens: v.array(TokenSchema),
  members: v.optional(v.array(MemberSchema), []),
});

const EntrySchema: v.GenericSchema<unknown, EntryModel> = v.pipe(
  v.object({ docComment: v.string(), members: v.tuple([v.object({ members: v.array(ExportSchema) })]) }),
  v.transform(({ docComment, members: [entry] }) => ({ docComment, members: entry.members })),
);

/** @throws {ValiError} for what API Extractor has not written so far */
export function parseModel(json: string): EntryModel {
  return v.parse(EntrySchema, JSON.parse(json));
}

/** The docstring of a member; of a class, that of the interface which it implements will do. Constructors need none. */
export function docCommentOf(member: ApiMember, owner: ApiExport, exports: readonly ApiExport[]): string {
  if (member.docComment !== "" || member.kind === "Constructor")
    return member.docComment || "/** Makes one. */";
  const [, implemented] =
    / implements ([^{]*)/.exec(owner.excerptTokens.map(({ text }) => text).join("")) ?? [];
  if (implemented !== undefined && member.name === "[Symbol.asyncDispose]")
    return "/** Frees what it holds. */";
  return (
    exports.find(({ name }) => name === implemented?.trim())?.members.find(({ name }) => name === member.name)
      ?.docComment ?? ""
  );
}
