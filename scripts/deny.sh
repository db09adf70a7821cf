#!/usr/bin/env bash
# What may come in from outside, by deny.toml: licences, sources, crates in two versions, and known vulnerabilities, whose
# database must be fetched from github.com; where it can't, that is said and left out.
set -euo pipefail
cd "$(dirname "$0")/.."

# The crates of all systems are looked at, also those that are not built here.
cargo deny --log-level error check licenses bans sources
if cargo deny --log-level error fetch db 2>/dev/null; then
    cargo deny --log-level error check --disable-fetch advisories
else
    echo "note: the database of known vulnerabilities can't be fetched; they were not looked for" >&2
fi
