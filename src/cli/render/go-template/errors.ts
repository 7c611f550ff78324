/** A template that cannot be parsed. The message is the whole of Go's. */
export class TemplateParseError extends Error {}

/** A template that failed while it ran. The message is the whole of Go's. */
export class TemplateRunError extends Error {}

/** A function or method that fails; whoever called it adds its name. */
export class FunctionError extends Error {}
