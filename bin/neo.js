#!/usr/bin/env node
import("../dist/cli/main.js").then(({ start }) => start());
