/** A Go template of regsync, as a mirror file can say it. */
export interface RegsyncTemplate {
  readonly text: string;
  readonly hasVariables: boolean;
}

/**
 * Replaces `{{ env "NAME" }}` by a variable and `{{ .Sync.Source }}` by the source; undefined where the template does anything
 * else, such as reading a file.
 */
export function convertTemplate(template: string, source?: string): RegsyncTemplate | undefined {
  let hasVariables = false;
  const text = template.replace(/\{\{-?\s*(.*?)\s*-?\}\}/gs, (whole, action: string) => {
    const variable = /^env\s+(?:"(\w+)"|`(\w+)`)$/.exec(action);
    if (variable !== null) {
      hasVariables = true;
      return `\${${variable[1] ?? variable[2]}}`;
    }
    return action === ".Sync.Source" && source !== undefined && !source.includes("{{") ? source : whole;
  });
  return text.includes("{{") ? undefined : { text, hasVariables };
}
