#!/usr/bin/env node
import { main } from "./main.ts";

// Output is written by now. What a server keeps open need not be waited for.
process.exit(await main(process.argv.slice(2)));
